"""What the terminal shows: one status line, errors, and the end of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO, TypeAlias

from realtime.sinks import web_told
from realtime.sinks.feedback.told import at_the_end, warning
from realtime.summary import Summary
from realtime.telemetry import Board, position

REWRITTEN_EVERY_S = 1.0
PRINTED_EVERY_S = 5.0

Line: TypeAlias = Callable[[float, Board, Summary], str]
"""How a run goes, so many seconds after its start."""


class Screen:
    """Writes to ``stream``: a terminal has its line rewritten, a file gets one now and then."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rewrites = stream.isatty()
        self._every_s = REWRITTEN_EVERY_S if self._rewrites else PRINTED_EVERY_S
        self._next_s = self._every_s
        self._is_line_open = False
        self._line: Line = status_line

    @property
    def rewrites(self) -> bool:
        """Whether a line is shown in place of the last: a terminal."""
        return self._rewrites

    def begin(self, line: Line) -> None:
        """Another run begins, of which ``line`` tells."""
        self._line = line
        self._next_s = self._every_s

    def status(self, now_s: float, board: Board, summary: Summary) -> None:
        """Show the state of the run ``now_s`` after its start, when it is time to."""
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        text = self._line(now_s, board, summary)
        if self._rewrites:
            self._stream.write(f"\r{text}\x1b[K")
            self._is_line_open = True
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def say(self, text: str) -> None:
        """A line of its own."""
        if self._is_line_open:
            self._stream.write("\n")
            self._is_line_open = False
        self._stream.write(text + "\n")
        self._stream.flush()

    def error(self, text: str) -> None:
        """One line that names the thing and the next command."""
        self.say(f"error: {' '.join(text.split())}")


def status_line(now_s: float, board: Board, summary: Summary) -> str:
    """Objects, latency, rates and losses in one line."""
    parts = [f"{now_s:6.0f} s"]
    objects = [
        f"{number} ({heard.place[0]:.2f}, {heard.place[1]:.2f}) {heard.level_db:.0f} dB"
        for number, heard in summary.present.items()
    ]
    parts.append("objects: " + (", ".join(objects) or "none"))
    latency_ms = board.get("speaker", "latency_ms")
    if latency_ms is not None:
        parts.append(f"latency {latency_ms:.0f} ms")
    rates = [
        f"{stage} {rate_hz:.1f}/s"
        for stage in ("sight", "hearing", "separator")
        if (rate_hz := board.get(stage, "rate_hz")) is not None
    ]
    parts.append(" ".join(rates))
    parts += [
        f"{stage} away for {away_s:.0f} s"
        for stage in ("sight", "hearing", "separator")
        if (away_s := board.get(stage, "away_s"))
    ]
    parts.append(losses(board))
    parts.append(warning(board.values.get("speaker", {})))
    return " | ".join(part for part in parts if part)


def losses(board: Board) -> str:
    """What was lost, in words; empty when nothing was."""
    frames = board.total("dropped_video")
    samples = board.total("dropped_audio_samples")
    found = []
    if frames:
        found.append(f"{frames} pictures skipped")
    if samples:
        found.append(f"{samples} samples lost")
    gaps = round(board.get("speaker", "gaps") or 0)
    if gaps:
        found.append(f"{gaps} gap{'s' if gaps > 1 else ''} at the speaker")
    return ", ".join(found)


def end_lines(duration_s: float, board: Board, summary: Summary) -> list[str]:
    """The run in a few lines."""
    latency_ms = board.get("speaker", "latency_p50_ms")
    delay = "" if latency_ms is None else f", latency {latency_ms:.0f} ms"
    at_s, _ = position(board)
    is_heard = latency_ms is not None
    speed = "" if is_heard or not at_s else f", {at_s / duration_s:.1f} x real time"
    lost = losses(board)
    return [
        f"ran {duration_s:.1f} s{delay}{speed}{', ' + lost if lost else ''}",
        *(summary.lines() or ["no object was heard"]),
        *(filter(None, [at_the_end(board.values.get("speaker", {}))])),
        *(filter(None, [web_told.at_the_end(board.values.get("web", {}))])),
    ]
