"""What fake stages are told to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Script:
    """What the fakes do. ``results`` is a folder that the recorder writes to."""

    results: str
    chunks: int | None = 50  # None: for ever
    fault: str = ""  # the stage with which something goes wrong
    fault_kind: str = "raise"  # open_device, open_usage, open_slow, raise, kill, silent, hang
    quits: bool = False  # the window asks to quit
    heals: bool = False  # the fault comes once; and the window quits once all has gone on for long
