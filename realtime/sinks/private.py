"""Files that only their owner may read: what a microphone and a camera saw is nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def make_folder(folder: Path) -> None:
    """Make ``folder``, and what is missing above it; one that exists stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def new_file(path: Path) -> int:
    """Create ``path`` and open it for writing and reading, as ``open(..., opener=)`` wants it.

    Raises:
        OSError: it exists, or cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.open(path, flags | getattr(os, "O_CLOEXEC", 0), FILE_MODE)
