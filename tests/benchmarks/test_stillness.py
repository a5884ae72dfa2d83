"""Who cannot run is told for how long; who can is told nothing."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from benchmarks.report import Report
from benchmarks.stillness import note_stillness, watched


@pytest.mark.skipif(sys.platform == "win32", reason="no process can be stopped here")
def test_what_stopped_it_is_in_the_list() -> None:
    with watched() as still:
        time.sleep(1.0)
        os.kill(still.pid, signal.SIGSTOP)
        time.sleep(0.3)
        os.kill(still.pid, signal.SIGCONT)
        time.sleep(0.1)
    assert max(still.stalls_s) > 0.25
    report = Report("still")
    note_stillness(report, still.stalls_s)
    assert "| … longest |  | " in report.table()


def test_nothing_is_nothing() -> None:
    report = Report("still")
    note_stillness(report, [])
    assert "| … longest |  | 0 ms |" in report.table()
