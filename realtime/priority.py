"""Who goes first where cores are short. Only Linux tells threads apart.

To go before others is a right (``RLIMIT_NICE``, ``RLIMIT_RTPRIO``; root, often the group
``audio``): without it all stays as it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Thread

SOUND_NICENESS = -10  # of what is on the way of sound
SPARE_NICENESS = 15  # of the session of who only gets ready to take another's place
_REALTIME = 2  # the second lowest: sound servers are above it


def rank_process(niceness: int) -> None:
    """Let other processes go before this one, all of its threads; below 0: let it go before them.

    A child is a session of its own. Where Linux shares the cores among sessions first (autogroup,
    as on desktops) it is the session's niceness that counts; elsewhere that of every thread.
    """
    if sys.platform == "win32" or not niceness:
        return
    rank_threads(_own_threads(), niceness)
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


def run_in_real_time() -> None:
    """Let this process go at once whenever it has something to do, before all that is nice.

    For one that does little and waits: by niceness alone it is its turn a tick of the scheduler
    after it woke, or more (10 ms and more, measured), which is all that a device has sound for.
    Threads and processes that it starts later do as well.
    """
    if sys.platform != "linux":
        return
    for thread in _own_threads():
        with suppress(OSError):  # it is gone, or may not
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(_REALTIME))


def may_run_in_real_time() -> bool:
    """Whether this user has the right; False where the system does not know it."""
    if sys.platform != "linux":
        return False
    may = []

    def attempt() -> None:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REALTIME))
            may.append(True)

    thread = Thread(target=attempt)  # it is for this one alone, and ends with it
    thread.start()
    thread.join()
    return bool(may)


def _own_threads() -> list[int]:
    tasks = Path("/proc/self/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [0]
