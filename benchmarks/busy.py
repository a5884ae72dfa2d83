"""Other programs that want the processor, too."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Looks now and then whether its parent is still there, however that may have ended.
_LOOP = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for _ in range(10_000_000):
        pass
"""


@contextmanager
def busy_processes(count: int) -> Iterator[tuple[int, ...]]:
    """``count`` processes that only count, while the block runs; their ids.

    Each is a session of its own, as another user's program is: where Linux shares the cores among
    sessions first (autogroup), it must not share one with the player.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            started.append(_start())
        yield tuple(process.pid for process in started)
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait(10)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _LOOP, str(os.getpid())],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
