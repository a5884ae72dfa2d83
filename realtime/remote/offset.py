"""How much another host's clock is ahead of this one's, from pings over the connection in use.

As in NTP: of a ping sent at a, received there at b, answered there at c and back at d, the other
clock is ahead by ((b - a) + (c - d)) / 2, and that is wrong by at most half of the time under way.
Who was under way for the shortest time is the most trustworthy; the mean of these is better than
the best of them, and after a while, since two clocks are never equally fast, a line through them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from realtime.clock import NS_PER_S

KEPT_S = 60.0
MOST_KEPT = 256
TRUSTED_PART = 0.25  # of the pings, those that were under way for the shortest time
_LEAST_TRUSTED = 4
_LINE_FROM_S = 20.0  # below, what clocks drift is less than what a line would be wrong by
MOST_PPM = 500.0  # quartz is ten times better
_SLACK_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Answer:
    at_ns: int  # this clock, half way
    ahead_ns: int
    under_way_ns: int


class OffsetEstimator:
    """Fed with every answer. All instants are nanoseconds, each on the clock of its own host."""

    def __init__(self) -> None:
        self._answers: deque[_Answer] = deque(maxlen=MOST_KEPT)

    def feed(self, sent_ns: int, received_ns: int, answered_ns: int, back_ns: int) -> None:
        """One more answer; one that is back before it was sent is none.

        One that cannot be true together with the last says that a host began to count anew, or
        slept: what was known before is forgotten.
        """
        under_way_ns = (back_ns - sent_ns) - (answered_ns - received_ns)
        if under_way_ns < 0 or back_ns < sent_ns or answered_ns < received_ns:
            return
        ahead_ns = ((received_ns - sent_ns) + (answered_ns - back_ns)) // 2
        at_ns = (sent_ns + back_ns) // 2
        answer = _Answer(at_ns, ahead_ns, under_way_ns)
        if self._answers and not _agree(self._answers[-1], answer):
            self._answers.clear()
        self._answers.append(answer)
        while at_ns - self._answers[0].at_ns > KEPT_S * NS_PER_S:
            self._answers.popleft()

    def offset_ns(self, now_ns: int) -> int | None:
        """How much the other clock is ahead at ``now_ns`` of this one; None before any answer."""
        trusted = self._trusted()
        if not trusted:
            return None
        best = trusted[0]
        # Offsets may be years, which no float holds to the microsecond: all is from the best one.
        at_s = np.array([(one.at_ns - best.at_ns) / NS_PER_S for one in trusted])
        ahead_ns = np.array([one.ahead_ns - best.ahead_ns for one in trusted], np.float64)
        if len(trusted) < _LEAST_TRUSTED or np.ptp(at_s) < _LINE_FROM_S:
            return best.ahead_ns + round(float(np.mean(ahead_ns)))
        slope, _ = np.polyfit(at_s, ahead_ns, 1)
        slope = float(np.clip(slope, -MOST_PPM * 1e3, MOST_PPM * 1e3))  # ns per s
        level = float(np.mean(ahead_ns - slope * at_s))
        return best.ahead_ns + round(level + slope * (now_ns - best.at_ns) / NS_PER_S)

    @property
    def round_trip_ns(self) -> int | None:
        """The shortest time under way, there and back, of late."""
        return min((one.under_way_ns for one in self._answers), default=None)

    def _trusted(self) -> list[_Answer]:
        by_time = sorted(self._answers, key=lambda one: one.under_way_ns)
        return by_time[: max(round(len(by_time) * TRUSTED_PART), _LEAST_TRUSTED)]


def _agree(first: _Answer, second: _Answer) -> bool:
    """Whether some difference of the clocks explains both."""
    error_ns = (first.under_way_ns + second.under_way_ns) / 2 + _SLACK_NS
    drift_ns = abs(second.at_ns - first.at_ns) * MOST_PPM * 1e-6
    return abs(second.ahead_ns - first.ahead_ns) <= error_ns + drift_ns
