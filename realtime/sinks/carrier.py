"""The mixture itself, for the places where no streams of it come. Pure.

Where hearing or the separator is gone, stopped or late, nothing is separated; but what was captured
is known, long before it is to be heard. Then the residual carries all of it: the sound goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, AudioGap, Message, Streams

KEPT_S = 30.0  # the longest delay that there is, that of `whole`, is less than a third of it
FADE_S = 0.020  # from the mixture to the streams: objects move to their places


class Carrier:
    """Keeps the last ``KEPT_S`` of the input's sound, and how loud it is to be heard."""

    def __init__(self) -> None:
        self._rate_hz = 0
        self._ring = np.zeros(0, np.float32)
        self._start = self._stop = 0  # of what is known
        self._origin_ns = 0  # capture time of sample 0, as of the newest chunk
        self._stream = ""
        self._gain = 1.0

    @property
    def stop(self) -> int:
        """The sample behind the newest."""
        return self._stop

    def hear(self, message: Message) -> None:
        """The next of topic ``audio``; what was lost is silence."""
        if not isinstance(message, AudioChunk | AudioGap):
            return
        if message.rate_hz != self._rate_hz:
            self._rate_hz, self._start = message.rate_hz, message.first_sample
            self._ring = np.zeros(round(KEPT_S * message.rate_hz), np.float32)
            self._stop = self._start
        self._stream = message.stream
        if isinstance(message, AudioGap):
            self._silence(message.first_sample + message.length_samples)
            return
        self._silence(message.first_sample)
        past_ns = round(message.first_sample * NS_PER_S / self._rate_hz)
        self._origin_ns = message.capture_ns - past_ns
        self._take(message.samples[max(self._stop - message.first_sample, 0) :])

    def follow(self, streams: Streams) -> None:
        """These are heard: the mixture in their place is as loud as the loudest of them."""
        self._gain = max(streams.gains)

    def carry(self, first_sample: int, stop_sample: int, rate_hz: int) -> Streams | None:
        """The mixture ``[first_sample, stop_sample)`` as streams that have no objects.

        None where it is not known, or has another rate.
        """
        is_known = self._start <= first_sample < stop_sample <= self._stop
        if not is_known or rate_hz != self._rate_hz:
            return None
        samples = self._ring.take(np.arange(first_sample, stop_sample), mode="wrap")
        return Streams(
            stream=self._stream,
            sequence=0,
            capture_ns=self._origin_ns + round(first_sample * NS_PER_S / rate_hz),
            first_sample=first_sample,
            rate_hz=rate_hz,
            object_ids=(),
            samples=samples[np.newaxis],
            gains=(self._gain,),
            pans=(0.0,),
        )

    def _silence(self, until_sample: int) -> None:
        missing = until_sample - self._stop
        if missing > 0:
            self._take(np.zeros(min(missing, len(self._ring)), np.float32), skipped=missing)

    def _take(self, samples: NDArray[np.float32], skipped: int = 0) -> None:
        """Put samples behind the others; of ``skipped``, where that is more, they are the last."""
        count = max(skipped, len(samples))
        samples = samples[-len(self._ring) :]
        self._stop += count
        places = np.arange(self._stop - len(samples), self._stop)
        self._ring.put(places, samples, mode="wrap")
        self._start = max(self._start, self._stop - len(self._ring))


def joined(
    before: NDArray[np.float32], after: NDArray[np.float32], rate_hz: int
) -> NDArray[np.float32]:
    """``(channels, n)``: from ``before`` to ``after``, which are of the same moment, softly."""
    fade = min(round(FADE_S * rate_hz), before.shape[1], after.shape[1])
    place = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
    rise = place * place * (3.0 - 2.0 * place)
    mixed: NDArray[np.float32] = after.copy()
    mixed[:, :fade] = before[:, :fade] * (1 - rise) + after[:, :fade] * rise
    return mixed
