"""Who goes first where cores are short. Only Linux tells threads apart.

To go before others is a right (``RLIMIT_NICE``; root, often the group ``audio``): without it all
stays as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SOUND_NICENESS = -10  # of what is on the way of sound
SPARE_NICENESS = 15  # of the session of who only gets ready to take another's place


def rank_process(niceness: int) -> None:
    """Let other processes go before this one, all of its threads; below 0: let it go before them.

    A child is a session of its own. Where Linux shares the cores among sessions first (autogroup,
    as on desktops) it is the session's niceness that counts; elsewhere that of every thread.
    """
    if sys.platform == "win32" or not niceness:
        return
    tasks = Path("/proc/self/task")
    threads = [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [0]
    rank_threads(threads, niceness)
    if not rank_session(os.getpid(), niceness) and niceness < 0:
        rank_session(os.getpid(), 0)  # it may have given way


def rank_session(process: int, niceness: int) -> bool:
    """The same for the session of a process, where Linux ranks sessions; whether it could be."""
    try:
        Path(f"/proc/{process}/autogroup").write_text(str(niceness), encoding="ascii")
    except OSError:
        return False
    return True


def rank_threads(threads: Iterable[int], niceness: int) -> None:
    """The same for some threads by their numbers; 0 is the calling one."""
    if sys.platform == "win32":
        return
    wanted = os.nice(0) + niceness
    for thread in threads:
        with suppress(OSError):  # it is gone, or may not
            os.setpriority(os.PRIO_PROCESS, thread, wanted)
