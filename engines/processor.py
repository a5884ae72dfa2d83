"""The processor's name, by which measurements on another one are told from those on this."""

from __future__ import annotations

import platform
from pathlib import Path


def processor() -> str:
    """As the system has it; Linux tells it in /proc only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return platform.processor()
    return next((line for line in lines if line.startswith("model name")), platform.processor())
