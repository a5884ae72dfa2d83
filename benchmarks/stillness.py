"""How often the machine itself stood still, as shared ones do: no program can play through that.

A process that goes before all others, where the user may, sleeps for five milliseconds again and
again, and writes down when it was let sleep longer. ``python -m benchmarks.stillness`` is that
process, until its stdin ends.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from benchmarks.report import Report

_SLEEP_S = 0.005
_TOLD_S = 0.010  # less is usual
_PRIORITY = 50  # of 99; sound is at 2
_PATIENCE_S = 10.0


@dataclass(slots=True)
class Stillness:
    """``pid`` of the process that watches; what it saw is known once it watches no more."""

    pid: int
    stalls_s: list[float] = field(default_factory=list)


@contextmanager
def watched() -> Iterator[Stillness]:
    """Watch the machine meanwhile."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.stillness"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    still = Stillness(process.pid)
    try:
        yield still
    finally:
        said, _ = process.communicate(timeout=_PATIENCE_S)
        still.stalls_s += json.loads(said)


def note_stillness(report: Report, stalls_s: list[float]) -> None:
    """How often, and for how long at most."""
    for least_ms in (10, 20, 40):
        count = sum(1000 * stall_s >= least_ms for stall_s in stalls_s)
        report.note(f"times the machine itself stood still for {least_ms} ms", f"{count}")
    longest_ms = 1000 * max(stalls_s, default=0.0)
    report.note("… longest", f"{longest_ms:.0f} ms")
    report.keep("machine stood still, s", stalls_s)


def main() -> int:
    """Sleep, until there is nothing more to read."""
    with suppress(OSError):  # it may not: then others' work counts as well
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    stalls_s = []
    before_s = time.monotonic()
    while not select.select([sys.stdin], [], [], _SLEEP_S)[0]:
        now_s = time.monotonic()
        if now_s - before_s - _SLEEP_S >= _TOLD_S:
            stalls_s.append(round(now_s - before_s - _SLEEP_S, 4))
        before_s = now_s
    print(json.dumps(stalls_s))
    return 0


if __name__ == "__main__":
    sys.exit(main())
