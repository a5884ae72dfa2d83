"""Sound that comes in pieces from elsewhere, as one stream that time does not tear. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.messages import AudioChunk, AudioGap, CapturedSound, Message
from realtime.sources.samples import to_float
from realtime.sources.timekeeper import Timekeeper

# Nothing for so long: who sends is taken for gone, and silence is told in its place. A shorter
# stall is left to the speaker, whose delay bridges what it can.
PATIENCE_S = 0.5
# What comes later than this is left out: a browser or a network that cannot keep up would make the
# delay longer and longer.
MOST_LATE_S = 1.0
GAP_S = 0.020
# Silence comes as late as sound does, and so much: what is later the speaker would take for sound
# that needs a longer delay.
LEEWAY_S = 0.020
_FOLLOW = 0.02  # of the usual lateness; a second or so of pieces


class ArrivingSound:
    """Numbers the samples of one browser after the other for the run; sample 0 is the very first.

    While nobody sends the numbers go on with time, so that who comes next stands where it belongs.
    All must have the first one's sample rate: nothing is resampled.
    """

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._sequence = 0
        self._time: Timekeeper | None = None
        self._visit = 0
        self._heard_ns = 0  # when something came last
        self._lateness_ns: float | None = None  # of the newest sample of a piece as it comes
        self._losses = self._lost = self._late = self._refused = 0

    def feed(self, now_ns: int, piece: CapturedSound) -> list[Message]:
        """A piece has come: its samples, and before them the length of what is missing."""
        if self._time is None:
            self._time = Timekeeper(piece.rate_hz)
        if piece.rate_hz != self._time.rate_hz:
            self._refused += piece.samples.size
            return []
        lateness_ns = _lateness_ns(now_ns, piece)
        if lateness_ns > MOST_LATE_S * NS_PER_S:
            self._late += piece.samples.size
            return []
        time = self._time
        if time.has_begun and piece.visit != self._visit:
            self._lose(time)
        self._visit, self._heard_ns = piece.visit, now_ns
        time.observe(piece.first_sample, piece.capture_ns)
        self._follow(lateness_ns)
        if time.is_away:
            time.find(piece.first_sample, piece.capture_ns)
        elif not time.has_begun:
            time.begin(piece.first_sample)
        return self._messages(time, piece)

    def missed(self, now_ns: int) -> list[Message]:
        """The silence of who is gone, as far as it is certain; to be asked at every step."""
        time = self._time
        if time is None:
            return []
        if time.has_begun and now_ns - self._heard_ns > PATIENCE_S * NS_PER_S:
            self._lose(time)
        if not time.is_away:
            return []
        certain_ns = now_ns - round((self._lateness_ns or 0.0) + LEEWAY_S * NS_PER_S)
        length = time.at(certain_ns) - time.position
        return [self._gap(time, length)] if length >= GAP_S * time.rate_hz else []

    @property
    def is_away(self) -> bool:
        """Whether who sent before is gone."""
        return self._time is not None and self._time.is_away

    def stats(self) -> Mapping[str, float]:
        """What was lost on the way here, and how late sound is."""
        return {
            "device_lost": float(self.is_away),
            "device_losses": self._losses,
            "lost_samples": self._lost,
            "late_samples": self._late,
            "refused_samples": self._refused,
            "clock_jumps": 0 if self._time is None else self._time.jumps,
            "arrival_ms": (self._lateness_ns or 0.0) / NS_PER_MS,
        }

    def _lose(self, time: Timekeeper) -> None:
        time.lose()
        self._losses += 1

    def _follow(self, lateness_ns: float) -> None:
        if self._lateness_ns is None:
            self._lateness_ns = lateness_ns
        self._lateness_ns += _FOLLOW * (lateness_ns - self._lateness_ns)

    def _messages(self, time: Timekeeper, piece: CapturedSound) -> list[Message]:
        number = time.number(piece.first_sample)
        messages: list[Message] = []
        if number > time.position:
            self._lost += number - time.position
            messages.append(self._gap(time, number - time.position))
        told = time.position - number  # as silence, before this came
        self._late += min(told, piece.samples.size)
        if told >= piece.samples.size:
            return messages
        samples = to_float(np.asarray(piece.samples)[told:])
        messages.append(
            AudioChunk(
                stream=self._stream,
                sequence=self._next_sequence(),
                capture_ns=time.time_ns(piece.first_sample + told),
                first_sample=time.position,
                rate_hz=time.rate_hz,
                samples=samples,
            )
        )
        time.position += samples.size
        return messages

    def _gap(self, time: Timekeeper, length: int) -> AudioGap:
        gap = AudioGap(
            stream=self._stream,
            sequence=self._next_sequence(),
            first_sample=time.position,
            length_samples=length,
            rate_hz=time.rate_hz,
        )
        time.position += length
        return gap

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1


def _lateness_ns(now_ns: int, piece: CapturedSound) -> float:
    """How old its newest sample is."""
    length_ns = piece.samples.size * NS_PER_S / piece.rate_hz
    return max(now_ns - piece.capture_ns - length_ns, 0.0)
