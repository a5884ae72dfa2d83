"""How another Python process of this program begins: as a program of its own, or as a fork.

A program is the same everywhere, and loads all that it needs. A fork has at once what this process
has loaded, in the same memory; it is only for one that has no other thread, whose locks nobody
would open in the fork.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn, Protocol

from realtime.reports import EXIT_FAILED

_STANDARD = (0, 1, 2)


class Process(Protocol):
    """What ``subprocess.Popen`` and :class:`Forked` have in common; both pipes carry text."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def stdin(self) -> IO[str] | None:
        """What it reads."""

    @property
    def stdout(self) -> IO[str] | None:
        """What it writes."""

    def poll(self) -> int | None:
        """Its exit code, or the signal that ended it, less than 0; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended; raises ``subprocess.TimeoutExpired``."""

    def send_signal(self, sig: int) -> None:
        """A signal, if it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it at once."""


def spawned(module: str, arguments: Sequence[str] = ()) -> Process:
    """``python -m MODULE`` with pipes, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=child_environment(),
        start_new_session=True,
    )


def child_environment() -> dict[str, str]:
    """For a process of this project: the parent's, with this project's packages first."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


def may_fork() -> bool:
    """Whether a fork of this process is safe: on Linux, with one thread, and its standard files."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        is_alone = len([*Path("/proc/self/task").iterdir()]) == 1
        os.close(os.pidfd_open(os.getpid()))  # since Linux 5.3
        for descriptor in _STANDARD:
            os.fstat(descriptor)
    except OSError:
        return False
    return is_alone


class Forked:
    """A process that does ``work`` and ends with its exit code, in a session of its own.

    Of this process it has what is loaded, and no open file but the standard error; its stdin and
    its stdout are pipes. Nothing that is registered for this process's end happens at its own.
    """

    def __init__(self, work: Callable[[], int]) -> None:
        """``may_fork`` has said so."""
        reads, self_writes = os.pipe()
        self_reads, writes = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or it would be written twice
        gc.freeze()  # what both have: to walk through it would give each a copy
        self.pid = os.fork()
        if not self.pid:
            _do(work, reads, writes)
        os.close(reads)
        os.close(writes)
        self.stdin: IO[str] = os.fdopen(self_writes, "w", encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(self_reads, encoding="utf-8")
        self._ended = os.pidfd_open(self.pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or the signal that ended it, less than 0; None while it runs."""
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self._code = os.waitstatus_to_exitcode(status)
                os.close(self._ended)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not.
        """
        if self._code is None:
            waiting = select.poll()
            waiting.register(self._ended, select.POLLIN)
            waiting.poll(None if timeout is None else 1000 * timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("a fork", timeout or 0.0)
        return code

    def send_signal(self, sig: int) -> None:
        """A signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _do(work: Callable[[], int], reads: int, writes: int) -> NoReturn:
    """The fork's own life."""
    code = EXIT_FAILED
    try:
        os.setsid()
        os.dup2(reads, 0)
        os.dup2(writes, 1)
        for descriptor in [int(one.name) for one in Path("/proc/self/fd").iterdir()]:
            if descriptor not in _STANDARD:  # of others, who wait for these to be closed
                with suppress(OSError):
                    os.close(descriptor)
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        code = work()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)
