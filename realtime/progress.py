"""How far a file is: position, speed and time left, as the sources tell it. Pure."""

from __future__ import annotations

from realtime.plan import Plan
from realtime.screen import Line, status_line
from realtime.summary import Summary
from realtime.telemetry import Board, position

CELLS = 24  # of a bar
_LEAST_S = 0.001  # of position or time: before it no speed is known


def line_for(plan: Plan, cells: int) -> Line:
    """What tells how a run goes: a file that is separated fast has an end to look forward to.

    ``cells`` is the length of the bar, 0 for none.
    """
    return Progress(plan.duration_s, cells) if plan.pace == "fast" else status_line


class Progress:
    """Percent, position of duration, times real time and time left, as far as they are known."""

    def __init__(self, limit_s: float | None, cells: int) -> None:
        """``limit_s``: the run ends there even if the file does not."""
        self._limit_s = limit_s
        self._cells = cells

    def __call__(self, now_s: float, board: Board, summary: Summary) -> str:
        """The line, ``now_s`` after the start."""
        at_s, whole_s = position(board)
        known = [length_s for length_s in (whole_s, self._limit_s) if length_s is not None]
        end_s = min(known) if known else None
        if end_s is not None:
            at_s = min(at_s, end_s)
        parts = [clock_time(at_s)]
        if end_s:
            share = at_s / end_s
            parts = [
                f"{self._bar(share)}{share:4.0%}",
                f"{clock_time(at_s)} of {clock_time(end_s)}",
            ]
        if at_s > _LEAST_S and now_s > _LEAST_S:
            speed = at_s / now_s
            parts.append(f"{speed:.1f} x real time")
            if end_s:
                parts.append(f"{clock_time((end_s - at_s) / speed)} left")
        return " | ".join(parts)

    def _bar(self, share: float) -> str:
        if not self._cells:
            return ""
        done = round(share * self._cells)
        return f"[{'#' * done}{'-' * (self._cells - done)}] "


def clock_time(duration_s: float) -> str:
    """As clocks show it: 0:07, 3:20, 1:02:05."""
    minutes, seconds = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
