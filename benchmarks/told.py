"""What all stages of a run tell, second by second, in a file: a line of JSON each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from realtime.screen import Screen
from realtime.summary import Summary
from realtime.telemetry import Board

EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The newest numbers of every stage at one moment (monotonic)."""

    at_s: float
    stages: Mapping[str, Mapping[str, float]]

    def value(self, stage: str, name: str) -> float:
        """One number; 0 where the stage has not told it."""
        return self.stages.get(stage, {}).get(name, 0.0)


class TellingScreen(Screen):
    """Shows a run on one stream, and writes its numbers to another."""

    def __init__(self, stream: TextIO, told: TextIO) -> None:
        super().__init__(stream)
        self._told = told
        self._next_told_s = 0.0
        self._board: Board | None = None

    def status(self, now_s: float, board: Board, summary: Summary) -> None:
        """As Screen's; the numbers are written when it is time to."""
        super().status(now_s, board, summary)
        self._board = board
        if now_s >= self._next_told_s:
            self._next_told_s = now_s + EVERY_S
            self.tell()

    def say(self, text: str) -> None:
        """As Screen's; it is written when it was said."""
        super().say(text)
        self._write({"said": text})

    def tell(self) -> None:
        """Write the newest numbers now, if a run has begun."""
        if self._board is not None:
            self._write({"stages": self._board.values})

    def _write(self, line: Mapping[str, object]) -> None:
        self._told.write(json.dumps({"at_s": time.monotonic(), **line}) + "\n")
        self._told.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line of its own on the screen, and when (monotonic)."""

    at_s: float
    text: str


def read_told(path: Path) -> tuple[Told, ...]:
    """All numbers that were written so far; a line that is not yet whole is left out."""
    lines = _lines(path)
    return tuple(Told(at_s=one["at_s"], stages=one["stages"]) for one in lines if "stages" in one)


def read_said(path: Path) -> tuple[Said, ...]:
    """All lines of their own so far."""
    return tuple(Said(at_s=one["at_s"], text=one["said"]) for one in _lines(path) if "said" in one)


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
