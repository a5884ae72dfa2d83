"""A program of its own: ``run_live.py``, and a file with what its stages tell every second.

Usage: python -m benchmarks.told_run FILE OPTION...; the options are those of run_live.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import run_live  # before numpy, which it sets right
from benchmarks.told import TellingScreen


def main(file: Path, options: Sequence[str]) -> int:
    """Run; what was told last is written after the end."""
    with file.open("w", encoding="utf-8") as told:
        screen = TellingScreen(sys.stderr, told)
        exit_code = run_live.main(options, screen)
        screen.tell()
    return exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
