"""Where decoded sound belongs: presentation times, which may have holes and jumps, to positions."""

from __future__ import annotations

from fractions import Fraction

# Containers round times (Matroska to 1 ms), so a small difference is no hole. The first time is
# held to more exactly, because nothing before it could be wrong.
START_TOLERANCE_S = Fraction(2, 1000)
HOLE_TOLERANCE_S = Fraction(20, 1000)


class Timeline:
    """Decides, block by block, how many samples of silence to put in or of sound to leave out.

    A difference of more than ``longest_hole_s`` is a clock that was set anew, not a hole: what
    follows is then simply appended.
    """

    def __init__(self, rate_hz: int, longest_hole_s: Fraction) -> None:
        self._rate_hz = rate_hz
        self._longest_hole = round(longest_hole_s * rate_hz)
        self._position = 0  # samples given out so far
        self._shift = 0  # what has been added to presentation times by clocks set anew
        self._started = False

    def place(self, time_s: Fraction | None, length: int) -> tuple[int, int]:
        """Where the block that presents ``length`` samples at ``time_s`` goes.

        Returns how many samples of silence come before it, and how many of its own first samples
        are left out; at most one of the two is not 0. ``time_s`` None: unknown, it is appended.
        """
        silence, skipped = self._correction(time_s)
        skipped = min(skipped, length)
        self._position += silence + length - skipped
        return silence, skipped

    def _correction(self, time_s: Fraction | None) -> tuple[int, int]:
        if time_s is None:
            return 0, 0
        tolerance_s = HOLE_TOLERANCE_S if self._started else START_TOLERANCE_S
        self._started = True
        difference = round(time_s * self._rate_hz) + self._shift - self._position
        if abs(difference) <= tolerance_s * self._rate_hz:
            return 0, 0
        if abs(difference) > self._longest_hole:
            self._shift -= difference
            return 0, 0
        return max(0, difference), max(0, -difference)
