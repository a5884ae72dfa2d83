"""What a training is asked for on the command line, looked at before hours go into it."""

from __future__ import annotations

import argparse
from pathlib import Path

_COUNTS = ("steps", "batch", "judge_every", "judged")


def complaint(options: argparse.Namespace) -> str:
    """What cannot be of the options that ``separate`` and ``together`` share; empty if all can."""
    if options.sources < 2:
        return f"--sources is 2 or more, got {options.sources}: one alone is no mixture"
    for name in _COUNTS:
        if getattr(options, name) < 1:
            flag = name.replace("_", "-")
            return f"--{flag} is 1 or more, got {getattr(options, name)}"
    if options.trunk and not options.trunk.is_file():
        return (
            f"--trunk {options.trunk}: there is no such file; `python -m training distill` leaves "
            "one, frame-distilled.pt"
        )
    return ""


def interrupted(checkpoint: Path) -> str:
    """Where a training that was interrupted goes on."""
    if checkpoint.exists():
        return f"stopped; the same command goes on from {checkpoint}"
    return f"stopped before the first checkpoint ({checkpoint}); the same command begins anew"
