"""How long to wait before the next attempt. Pure."""

from __future__ import annotations

from realtime.clock import NS_PER_S

STEADY_NS = 5 * NS_PER_S  # who lived for so long failed by accident
FIRST_NS = NS_PER_S // 4
LONGEST_NS = 8 * NS_PER_S


class BackOff:
    """Nothing after a steady life; else twice as long as before, within bounds."""

    def __init__(self) -> None:
        self._next_ns = 0

    def after(self, lived_ns: int) -> int:
        """The wait in ns, after one that lived for so long, 0 where it did not even begin."""
        if lived_ns >= STEADY_NS:
            self._next_ns = 0
        wait_ns = self._next_ns
        self._next_ns = min(max(2 * wait_ns, FIRST_NS), LONGEST_NS)
        return wait_ns


def is_trusted(wait_ns: int) -> bool:
    """Whether what the former one has left is handed on: not where two failed soon with it."""
    return wait_ns <= FIRST_NS
