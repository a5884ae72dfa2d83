"""Where the model is that comes with the player."""

from __future__ import annotations

import sys
from pathlib import Path


def _found() -> Path:
    beside = Path(__file__).resolve().parent.parent / "models" / "live"
    installed = Path(sys.prefix) / "share" / "live-pixel-player" / "models" / "live"
    return installed if installed.is_dir() and not beside.is_dir() else beside


SHIPPED_MODEL = _found()
