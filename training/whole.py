"""Files that are whole or not there, and the error of work that cannot go on."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_ORPHANED_S = 3600.0  # a part that nobody has written to for so long was left by a kill


class TrainingError(Exception):
    """Training cannot go on; the message says at which step, why, and what to do."""


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write what shall be ``path``, which it becomes at once when all of it is there.

    Processes that write the same do not meet. Folders are made. A former file is left where this
    fails.

    Raises:
        TrainingError: the disk does not take it.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for former in path.parent.glob(f"{path.name}.*.part"):
            if time.time() - former.stat().st_mtime > _ORPHANED_S:
                former.unlink()
        yield part
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise TrainingError(
            f"{path} cannot be written ({reason}): make room and start again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file.

    Raises:
        TrainingError: the disk does not take it; a former file is left.
    """
    with whole(path) as part:
        part.write_text(text, encoding="utf-8")
