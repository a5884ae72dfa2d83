"""How large the screen is, where somebody tells: a window shall open no larger.

OpenCV does not say. X servers are asked by the programs that come with them, whichever is there;
where none is, a window opens as large as it likes, and macOS keeps it on the screen by itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence

Size = tuple[int, int]  # width, height

_TIMEOUT_S = 2.0
_ASKED: Sequence[tuple[Sequence[str], str]] = (
    (("xrandr", "--current"), r"current (\d+) x (\d+)"),
    (("xdpyinfo",), r"dimensions:\s+(\d+)x(\d+) pixels"),
)


def told_by(command: Sequence[str]) -> str:
    """What a program prints; nothing where there is none, or it fails."""
    path = shutil.which(command[0])
    if path is None:
        return ""
    try:
        done = subprocess.run(
            [path, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def screen_size(
    environment: Mapping[str, str], ask: Callable[[Sequence[str]], str] = told_by
) -> Size | None:
    """The screen in the units that windows are opened in; None where nobody tells."""
    if not environment.get("DISPLAY"):
        return None
    for command, pattern in _ASKED:
        found = re.search(pattern, ask(command))
        if found is not None:
            scale = _scale(environment)
            width, height = (int(int(pixels) / scale) for pixels in found.groups())
            return (width, height) if width and height else None
    return None


def within(size: Size, screen: Size | None) -> Size:
    """The size, no larger than the screen."""
    return size if screen is None else (min(size[0], screen[0]), min(size[1], screen[1]))


def _scale(environment: Mapping[str, str]) -> float:
    """How many pixels Qt, which shows the window, takes for one."""
    try:
        scale = float(environment.get("QT_SCALE_FACTOR", "1"))
    except ValueError:
        return 1.0
    return scale if 0.1 <= scale <= 10.0 else 1.0
