"""What is left of a stage that failed: a private file that a maintainer can do something with.

It has what happened, the trace, the messages that came last without what they carry (no sound, no
picture), the stage's numbers and the versions. The newest ``MOST_REPORTS`` are kept.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from realtime.sinks.private import make_folder, new_file

MOST_REPORTS = 50
_PARTS = (
    "live-pixel-player",
    "numpy",
    "onnxruntime",
    "openvino",
    "opencv-python",
    "pyzmq",
    "sounddevice",
)


def crash_folder(environment: Mapping[str, str]) -> Path | None:
    """``$XDG_STATE_HOME/live-pixel-player/crashes``, or under ``~/.local/state``.

    None where the user has no home folder.
    """
    root = Path(environment.get("XDG_STATE_HOME", ""))
    if not root.is_absolute():  # the XDG specification has relative paths ignored
        home = Path(environment.get("HOME", ""))
        if not home.is_absolute():
            return None
        root = home / ".local" / "state"
    return root / "live-pixel-player" / "crashes"


def write_crash(
    folder: Path | None,
    stage: str,
    what: str,
    *,
    trace: str = "",
    seen: Sequence[str] = (),
    numbers: Mapping[str, float] | None = None,
) -> Path | None:
    """Write a report; where it is, or None where it cannot be written: that harms nobody else."""
    if folder is None:
        return None
    text = "\n".join(_lines(stage, what, trace, seen, numbers or {})) + "\n"
    try:
        make_folder(folder)
        path = _free(folder, stage)
        with os.fdopen(new_file(path), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        return None
    _forget_oldest(folder)
    return path


def where(path: Path | None) -> str:
    """The end of a line that tells of a failure."""
    return "no report of it could be written" if path is None else f"see {path}"


def _lines(
    stage: str, what: str, trace: str, seen: Sequence[str], numbers: Mapping[str, float]
) -> list[str]:
    from importlib import metadata  # a start does without

    # platform.platform() starts a program, which a process that is broken may not live to see.
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    lines = [f"{stage} {what}", "", f"Python {sys.version}", system]
    for part in _PARTS:
        with suppress(metadata.PackageNotFoundError):
            lines.append(f"{part} {metadata.version(part)}")
    lines += ["", "messages that came last, the newest at the end:", *(seen or ["none"])]
    lines += ["", "numbers that it told last:"]
    lines += [f"{name} {value:g}" for name, value in sorted(numbers.items())] or ["none"]
    return [*lines, "", trace.rstrip() or "no trace: it was ended from outside, or hung"]


def _free(folder: Path, stage: str) -> Path:
    name = f"{stage}-{os.getpid()}-"
    numbers = [path.stem.removeprefix(name) for path in folder.glob(f"{name}*.txt")]
    last = max((int(number) for number in numbers if number.isdecimal()), default=0)
    return folder / f"{name}{last + 1}.txt"


def _forget_oldest(folder: Path) -> None:
    with suppress(OSError):  # another process may do the same
        reports = sorted(folder.glob("*.txt"), key=lambda path: path.stat().st_mtime_ns)
        for path in reports[:-MOST_REPORTS]:
            path.unlink()
