"""Memory and processor time of a process and all that it started."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look: resident memory in MB and processor seconds so far, summed over the tree."""

    at_s: float  # monotonic
    rss_mb: float
    cpu_s: float
    processes: int


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
                members = [self._root, *self._root.children(recursive=True)]
                self.samples.append(_sum(members))
            except psutil.NoSuchProcess:
                continue  # one left while it was looked at


def _sum(members: list[psutil.Process]) -> Sample:
    rss_bytes, cpu_s = 0, 0.0
    for member in members:
        with member.oneshot():
            rss_bytes += member.memory_info().rss
            times = member.cpu_times()
            cpu_s += times.user + times.system
    return Sample(
        at_s=time.monotonic(), rss_mb=rss_bytes / 1e6, cpu_s=cpu_s, processes=len(members)
    )


def trend(times_s: list[float], values: list[float]) -> Trend:
    """Mean, spread and slope of at least two values."""
    slope = float(np.polyfit(np.array(times_s) - times_s[0], values, 1)[0])
    return Trend(
        mean=float(np.mean(values)), spread=max(values) - min(values), per_minute=60 * slope
    )
