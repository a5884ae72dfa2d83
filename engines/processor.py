"""The processor's name, by which measurements on another one are told from those on this."""

from __future__ import annotations

import platform
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_BOARD = Path("/proc/device-tree/model")  # of what is no PC, ended by a zero


def processor() -> str:
    """As the system has it; where that names none, the board, or the kind of processor.

    Linux tells it in /proc only, and of many ARM processors the board's name alone.
    """
    told = dict(_entries(_read(_CPUINFO)))
    names = (
        told.get("model name"),
        _read(_BOARD).rstrip("\0").strip(),
        told.get("Hardware"),
        told.get("Model"),
        platform.processor(),
    )
    return next((name for name in names if name), platform.machine())


def _entries(text: str) -> list[tuple[str, str]]:
    """What is said of the first processor last, so that it is that which counts."""
    pairs = [line.partition(":") for line in text.splitlines()]
    return [(name.strip(), value.strip()) for name, _, value in reversed(pairs)]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
