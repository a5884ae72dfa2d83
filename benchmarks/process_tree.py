"""Memory, processor time, files and threads of a process and all that it started."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look, summed over the tree: resident memory in MB, processor seconds so far, handles."""

    at_s: float  # monotonic
    rss_mb: float
    cpu_s: float
    processes: int
    files: int  # and sockets, pipes: all that has a handle
    threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """How a number went over a stretch of time."""

    mean: float
    spread: float  # largest less smallest
    per_minute: float  # slope of the straight line through all


class TreeWatch:
    """Looks at a process tree every ``every_s`` until it is stopped."""

    def __init__(self, pid: int, every_s: float = 0.5) -> None:
        self.samples: list[Sample] = []
        self._root = psutil.Process(pid)
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="tree-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self.samples.append(_sum(_members(self._root)))
            except psutil.NoSuchProcess:
                continue  # one left while it was looked at


def stop_for(pid: int, duration_s: float) -> None:
    """Stop a process and all that it started (SIGSTOP), and let them go on."""
    members = _members(psutil.Process(pid))
    try:
        for member in members:
            member.suspend()
        time.sleep(duration_s)
    finally:
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.resume()


def _members(root: psutil.Process) -> list[psutil.Process]:
    return [root, *root.children(recursive=True)]


def _sum(members: list[psutil.Process]) -> Sample:
    rss_bytes, cpu_s, files, threads = 0, 0.0, 0, 0
    for member in members:
        with member.oneshot():
            rss_bytes += member.memory_info().rss
            times = member.cpu_times()
            cpu_s += times.user + times.system
            files += member.num_handles() if sys.platform == "win32" else member.num_fds()
            threads += member.num_threads()
    return Sample(
        at_s=time.monotonic(),
        rss_mb=rss_bytes / 1e6,
        cpu_s=cpu_s,
        processes=len(members),
        files=files,
        threads=threads,
    )


def trend(times_s: list[float], values: list[float]) -> Trend:
    """Mean, spread and slope of at least two values."""
    slope = float(np.polyfit(np.array(times_s) - times_s[0], values, 1)[0])
    return Trend(
        mean=float(np.mean(values)), spread=max(values) - min(values), per_minute=60 * slope
    )
