"""What was measured on this machine before, in a small JSON file of the user's cache.

The file is a convenience: where it is missing, damaged or cannot be written, nothing is
remembered and nothing fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_VERSION = 1
_ENTRIES_MAX = 64  # the oldest are forgotten first
_MOST_BYTES = 4 * 1024 * 1024  # of the file; what is larger is not ours


def default_path() -> Path | None:
    """``$XDG_CACHE_HOME/live-pixel-player/engines.json``, or under ``~/.cache``.

    None where the user has no home folder.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    if Path(cache).is_absolute():
        root = Path(cache)
    else:
        try:
            root = Path.home() / ".cache"
        except RuntimeError:
            return None
    return root / "live-pixel-player" / "engines.json"


def recall(path: Path, key: str) -> Mapping[str, Any] | None:
    """What was remembered under ``key``; None where there is nothing, or nothing readable."""
    entry = _entries(path).get(key)
    return entry if isinstance(entry, dict) else None


def remember(path: Path, key: str, entry: Mapping[str, Any]) -> str | None:
    """Keep ``entry`` under ``key``.

    Returns:
        None, or why it could not be kept.
    """
    others = [item for item in _entries(path).items() if item[0] != key]
    kept = dict([*others[1 - _ENTRIES_MAX :], (key, dict(entry))])
    try:
        text = json.dumps({"version": _VERSION, "entries": kept}, indent=1)
        write_whole(path, text.encode())
    except OSError as error:
        return f"{path} cannot be written: {error.strerror}"
    return None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, and its folder if need be.

    Raises:
        OSError: it cannot be written; nothing of it is left then, as on a full disk.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    scratch = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        scratch.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise


def forget(path: Path) -> str | None:
    """Keep nothing any more.

    Returns:
        None, or why it could not be thrown away.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"{path} cannot be removed: {error.strerror}"
    return None


def _entries(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        return {}
    entries = content.get("entries")
    return entries if isinstance(entries, dict) else {}
