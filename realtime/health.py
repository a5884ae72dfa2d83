"""Whether a stage that says nothing is at work, stopped or stuck. Pure.

A stage lets hear of itself between its steps, every tenth of a second. An engine may take its
time: a step is not taken for a hang before ``HUNG_S``. A process that the system says is stopped
(SIGSTOP) will not come back by itself: it is waited for ``STOPPED_S`` only.
"""

from __future__ import annotations

from collections.abc import Callable

from realtime.clock import NS_PER_S

HUNG_S = 5.0
STOPPED_S = 0.5
OPENING_S = 60.0  # for one that takes another's place; the first ones have all the time there is
_LONGEST_TURN_NS = NS_PER_S // 5


class Health:
    """Of one stage. Time counts only as far as its watcher was awake to hear it.

    A watcher that was stopped itself, with all of its machine asleep perhaps, blames nobody.
    """

    def __init__(self, *, hung_s: float = HUNG_S, stopped_s: float = STOPPED_S) -> None:
        self._hung_s = hung_s
        self._patience_s = hung_s
        self._stopped_s = stopped_s
        self._silent_ns = 0

    def beat(self) -> None:
        """It let hear of itself."""
        self._silent_ns = 0
        self._patience_s = self._hung_s

    def opens(self) -> None:
        """Until it lets hear of itself again it opens what it needs, which takes long."""
        self._silent_ns = 0
        self._patience_s = max(self._hung_s, OPENING_S)

    def passed(self, elapsed_ns: int) -> None:
        """So much time went by since the last call."""
        self._silent_ns += min(elapsed_ns, _LONGEST_TURN_NS)

    def verdict(self, is_stopped: Callable[[], bool]) -> str | None:
        """What is wrong, in words; None while nothing is, or not for long enough.

        ``is_stopped`` asks the system, and is asked only where that makes a difference.
        """
        silent_s = self._silent_ns / NS_PER_S
        if silent_s > self._patience_s:
            return f"said nothing for {self._patience_s:g} s"
        if silent_s > self._stopped_s and is_stopped():
            return "was stopped"
        return None
