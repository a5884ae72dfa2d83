"""Whether an audio device is well: what its callback counts, and what follows from it."""

from __future__ import annotations

import numpy as np

from realtime.clock import NS_PER_S, unbroken_ns
from realtime.ring import Allocate

PATIENCE_S = 2.0  # no callback for so long, and the device is taken for gone
JUMP_S = 3.0  # between two callbacks: the machine slept, or all of it stood still
GROWN_S = 0.040  # more delay than it had is heard
_UNSETTLED_S = 1.0  # a new device's first numbers say little
_SETTLE_S = 2.0  # after which its delay is known
_STAYS_S = 3.0  # a delay that grows for less comes back by itself
_LEAST_LOOKS = 10  # in that time: who was held up himself saw too little

_BEATS, _JUMP_NS, _LAST_NS, _DELAY_NS = range(4)
_WORDS = 4


class Heartbeat:
    """Written by the callback at each of its calls, read by the stage; in memory that both see."""

    def __init__(self, allocate: Allocate = np.zeros) -> None:
        self._words = allocate((_WORDS,), np.int64)

    def beat(self, delay_s: float, now_ns: int) -> None:
        """The callback was called; it was told of ``delay_s``. ``now_ns``: as ``unbroken_ns``."""
        words = self._words
        if words[_BEATS]:
            words[_JUMP_NS] = max(int(words[_JUMP_NS]), now_ns - int(words[_LAST_NS]))
        words[_LAST_NS] = now_ns
        words[_DELAY_NS] = int(delay_s * NS_PER_S)
        words[_BEATS] += 1

    @property
    def beats(self) -> int:
        """Calls so far."""
        return int(self._words[_BEATS])

    @property
    def longest_s(self) -> float:
        """Between two calls."""
        return float(self._words[_JUMP_NS]) / NS_PER_S

    @property
    def delay_s(self) -> float:
        """What the newest call was told."""
        return float(self._words[_DELAY_NS]) / NS_PER_S


class Health:
    """Looks at a heartbeat now and then, and says what a new stream would mend."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat
        self._delay = DelayWatch()

    def trouble(self) -> str | None:
        """In words; None while there is none."""
        stood_s = self._heartbeat.longest_s
        if stood_s > JUMP_S:
            return f"stood still for {stood_s:.1f} s, as after a sleep"
        self._delay.look(self._heartbeat.delay_s, unbroken_ns())
        if self._delay.has_grown:
            was_ms, is_ms = 1000 * self._delay.usual_s, 1000 * self._delay.newest_s
            return f"got late: a delay of {was_ms:.0f} ms became {is_ms:.0f} ms"
        return None


class DelayWatch:
    """Sees whether the delay that a device tells grows and stays so.

    A sound server that was held up may keep what it could not give away: from then on all is later
    by that much, and nothing brings it back but a new stream. Pure.
    """

    def __init__(self) -> None:
        self._begun_ns: int | None = None
        self._is_settled = False
        self._grown_ns: int | None = None  # since when it is longer
        self._looks = 0  # since then
        self.usual_s = 0.0
        self.newest_s = 0.0  # the least since it is longer
        self.has_grown = False

    def look(self, delay_s: float, now_ns: int) -> None:
        """The device tells ``delay_s`` now; 0 or less is nothing told."""
        if delay_s <= 0:
            return
        if self._begun_ns is None:
            self._begun_ns = now_ns
        if not self._is_settled:
            lived_s = (now_ns - self._begun_ns) / NS_PER_S
            if lived_s > _UNSETTLED_S:
                self.usual_s = max(self.usual_s, delay_s)
            self._is_settled = lived_s > _SETTLE_S
        elif delay_s <= self.usual_s + GROWN_S:
            self._grown_ns = None
        elif self._grown_ns is None:
            self._grown_ns, self._looks, self.newest_s = now_ns, 1, delay_s
        else:
            self._looks += 1
            self.newest_s = min(self.newest_s, delay_s)
            stayed = now_ns - self._grown_ns > _STAYS_S * NS_PER_S
            self.has_grown = stayed and self._looks >= _LEAST_LOOKS
