"""What a process had of the processor, and how long it would have gone on had there been more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import BenchmarkError


@dataclass(frozen=True, slots=True)
class Demand:
    """Seconds so far, summed over threads."""

    ran_s: float
    waited_s: float  # ready to run, while others ran

    def __sub__(self, earlier: Demand) -> Demand:
        return Demand(self.ran_s - earlier.ran_s, self.waited_s - earlier.waited_s)


def demand_of(pids: Iterable[int], proc: Path = Path("/proc")) -> Demand:
    """Of some processes, as Linux counts it.

    Raises:
        BenchmarkError: it does not, or a process is not there any more.
    """
    ran_ns = waited_ns = 0
    for pid in pids:
        counted = False
        for thread in proc.glob(f"{pid}/task/*/schedstat"):
            with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                ran, waited, _ = thread.read_text("ascii").split()
                ran_ns, waited_ns, counted = ran_ns + int(ran), waited_ns + int(waited), True
        if not counted:
            raise BenchmarkError(
                f"{proc}/{pid}/task/*/schedstat is not there: this wants a Linux that counts how "
                "long processes wait for the processor, and processes that run"
            )
    return Demand(ran_ns / 1e9, waited_ns / 1e9)
