"""Text files that a user names: read to a bound, whatever is behind the name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from realtime.errors import UsageError


def read_small(path: Path, most_bytes: int, option: str) -> str:
    """The text of a file of at most ``most_bytes``; ``option`` is who names it.

    Raises:
        UsageError: it is missing, larger, no text, or no file: a pipe could keep the command
            waiting for ever, and a device never ends.
    """
    try:
        # Without NONBLOCK opening a pipe waits for who writes to it.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(number, "rb") as file:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise UsageError(f"{option} {path}: it is no file; give one")
            content = file.read(most_bytes + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise UsageError(f"{option} {path}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option} {path}: it is no text in UTF-8") from None
    if len(content) > most_bytes:
        raise UsageError(f"{option} {path}: it is larger than {_size(most_bytes)}")
    return text


def _size(count: int) -> str:
    return f"{count} bytes" if count < 1024 else f"{count // 1024} KB"
