"""What a child is to do when its parent is gone, whatever state the child is in."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1  # of prctl.h


def wake_when_orphaned() -> bool:
    """Have this process go on, should it be stopped, when its parent's thread that made it ends.

    It then sees that its stdin has ended and leaves, which one that is stopped does not. False
    where the system knows no such thing.
    """
    return _told_by("SIGCONT")


def end_when_orphaned() -> bool:
    """Have this process end with its parent's thread that made it; False as above."""
    return _told_by("SIGKILL")


def _told_by(name: str) -> bool:
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    number = int(getattr(signal, name))
    return bool(libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) == 0)
