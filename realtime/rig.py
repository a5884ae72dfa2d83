"""What was measured of this user's devices, in a small JSON file beside their settings.

``python -m calibration`` writes it, a live run reads it. A camera and a microphone have an offset,
a microphone has a gain, a speaker and a microphone have a delay that neither of them tells.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from realtime.errors import UsageError

VERSION = 1
LARGEST_OFFSET_MS = 1000.0
LARGEST_GAIN_DB = 60.0
LARGEST_UNTOLD_MS = 5000.0
MOST_BYTES = 1 << 20
MOST_ENTRIES = 256
_LONGEST_NAME = 500

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """By the devices' names.

    ``offsets_ms``: (camera, microphone), how much later the picture's instants are. ``gains_db``:
    microphone. ``untold_ms``: (speaker, microphone), how much later sound returns than they tell.
    """

    offsets_ms: Mapping[Pair, float] = field(default_factory=dict)
    gains_db: Mapping[str, float] = field(default_factory=dict)
    untold_ms: Mapping[Pair, float] = field(default_factory=dict)


def rig_path(environment: Mapping[str, str]) -> Path | None:
    """``devices.json`` among the user's settings; None where the user has no home folder."""
    folder = settings_folder(environment)
    return None if folder is None else folder / "devices.json"


def settings_folder(environment: Mapping[str, str]) -> Path | None:
    """``$XDG_CONFIG_HOME/live-pixel-player``, or under ``~/.config``.

    None where the user has no home folder.
    """
    root = Path(environment.get("XDG_CONFIG_HOME", ""))
    if not root.is_absolute():  # the XDG specification has relative paths ignored
        home = Path(environment.get("HOME", ""))
        if not home.is_absolute():
            return None
        root = home / ".config"
    return root / "live-pixel-player"


def read_rig(path: Path) -> Rig:
    """What is stored; nothing where there is no file.

    Raises:
        UsageError: the file cannot be read, or is not what :func:`write_rig` writes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Rig()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); {_REMEDY}") from None
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES} bytes")
        return _from_plain(json.loads(data))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged ({error}); {_REMEDY}") from None


def write_rig(path: Path, rig: Rig) -> None:
    """Replace the file in one go.

    Raises:
        UsageError: that is not possible.
    """
    text = json.dumps(_to_plain(rig), indent=1, allow_nan=False)
    scratch: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".tmp", encoding="utf-8", delete=False
        ) as file:
            scratch = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        if scratch is not None:
            scratch.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written ({error.strerror}); make room for it") from None


_REMEDY = "remove it and measure again: python -m calibration --help"


def _to_plain(rig: Rig) -> dict[str, Any]:
    return {
        "version": VERSION,
        "offsets": [
            {"camera": camera, "microphone": microphone, "ms": ms}
            for (camera, microphone), ms in _newest(rig.offsets_ms)
        ],
        "gains": [{"microphone": microphone, "db": db} for microphone, db in _newest(rig.gains_db)],
        "loops": [
            {"speaker": speaker, "microphone": microphone, "ms": ms}
            for (speaker, microphone), ms in _newest(rig.untold_ms)
        ],
    }


def _newest(entries: Mapping[Any, float]) -> list[tuple[Any, float]]:
    return list(entries.items())[-MOST_ENTRIES:]


def _from_plain(content: object) -> Rig:
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"it is not of version {VERSION}")
    return Rig(
        offsets_ms={
            (_name(row, "camera"), _name(row, "microphone")): _number(row, "ms", LARGEST_OFFSET_MS)
            for row in _rows(content, "offsets")
        },
        gains_db={
            _name(row, "microphone"): _number(row, "db", LARGEST_GAIN_DB)
            for row in _rows(content, "gains")
        },
        untold_ms={
            (_name(row, "speaker"), _name(row, "microphone")): _number(row, "ms", LARGEST_UNTOLD_MS)
            for row in _rows(content, "loops")
        },
    )


def _rows(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = content.get(key)
    if not isinstance(rows, list) or len(rows) > MOST_ENTRIES:
        raise ValueError(f"{key}: wanted a list of at most {MOST_ENTRIES}")
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{key}: wanted objects in the list")
    return rows


def _name(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        raise ValueError(f"{key}: wanted a device's name, got {value!r:.40}")
    return value


def _number(row: Mapping[str, Any], key: str, largest: float) -> float:
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key}: wanted a number, got {value!r:.40}")
    if not abs(value) <= largest:  # NaN is not, and an integer may be too large for a float
        raise ValueError(f"{key}: wanted at most {largest:g}, got {value!r:.40}")
    return float(value)
