"""Plays a sound, and knows when each of its samples left for the speaker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.sample_clock import SampleClock


class SpeakerWatch:
    """``samples`` (n,), queued whole; :meth:`look` must be called every millisecond or two.

    A device takes samples in blocks. When the queue was seen to become shorter, the first sample of
    what is gone has just left; a regression frees that of jitter.
    """

    def __init__(self, stream: SpeakerStream, samples: NDArray[np.float32]) -> None:
        self._stream = stream
        self._length = stream.write(np.repeat(samples[:, None], stream.channels, axis=1))
        self._clock = SampleClock(stream.rate_hz)
        self._taken = 0
        self._told_s: list[float] = []

    def look(self, now_ns: int) -> None:
        """See what has left."""
        before, self._taken = self._taken, self._length - self._stream.queued_samples
        if self._taken > before:
            self._clock.observe(before, now_ns)
            self._told_s.append(self._stream.output_latency_s)

    @property
    def has_begun(self) -> bool:
        """Whether instants are known."""
        return bool(self._told_s)

    @property
    def is_over(self) -> bool:
        """Whether all has left, or the device has gone."""
        return self._taken >= self._length or not self._stream.active

    @property
    def told_ns(self) -> int:
        """How long a sample takes to be heard, as the device tells (the median)."""
        return round(float(np.median(self._told_s)) * NS_PER_S)

    def left_ns(self, sample: int) -> int:
        """When a sample left; only once it has begun."""
        return self._clock.time_ns(sample)
