"""What a soak asks, on numbers made up."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.busy import busy_processes
from benchmarks.delay import Delay
from benchmarks.process_tree import Sample, stop_for
from benchmarks.report import Report
from benchmarks.soak_claims import (
    Stretch,
    counted,
    judge_growth,
    judge_recovery,
    judge_steps,
    outside,
    rises_s,
)
from benchmarks.told import TellingScreen, Told, read_told
from benchmarks.traces import Steps
from realtime.summary import Summary
from realtime.telemetry import Board

STALLED = Stretch(begun_s=50.0, ended_s=51.0)


def missed(report: Report) -> list[str]:
    return [row["what"] for row in report.to_plain()["rows"] if row["met"] is False]


def told(losses: dict[int, int]) -> list[Told]:
    """One gap more or so at some second of 100."""
    return [
        Told(
            at_s=float(at_s),
            stages={"speaker": {"gaps": sum(n for when, n in losses.items() if when <= at_s)}},
        )
        for at_s in range(101)
    ]


@pytest.mark.parametrize(
    ("losses", "stalled", "count"),
    [
        ({}, None, 0),
        ({52: 3}, None, 3),
        ({52: 3}, STALLED, 0),
        ({49: 1, 52: 3, 70: 2}, STALLED, 3),
    ],
)
def test_a_stall_excuses_what_is_lost_soon_after(
    losses: dict[int, int], stalled: Stretch | None, count: int
) -> None:
    assert counted(told(losses), "speaker", "gaps", stalled) == count


def test_when_something_was_lost() -> None:
    assert rises_s(told({0: 1, 49: 1, 70: 2}), "speaker", "gaps") == [0.0, 49.0, 70.0]
    assert rises_s(told({}), "speaker", "gaps") == []


def delays(later_s: float) -> list[tuple[float, Delay]]:
    """170 ms before the stall; unlike during it; then so much later."""
    return [
        (
            float(at_s),
            Delay(
                at_s=at_s,
                delay_s=0.17 if at_s < 50 else 0.17 + later_s,
                likeness=0.1 if 50 <= at_s < 53 else 1.0,
            ),
        )
        for at_s in range(100)
    ]


@pytest.mark.parametrize(("later_s", "is_met"), [(0.015, True), (-0.03, False), (0.03, False)])
def test_the_delay_must_come_back(later_s: float, is_met: bool) -> None:
    report = Report("recovery")
    judge_recovery(report, delays(later_s), STALLED)
    assert report.is_met == is_met


def test_a_delay_that_is_not_heard_again_did_not_come_back() -> None:
    report = Report("recovery")
    judge_recovery(report, delays(0.0)[:55], STALLED)
    assert not report.is_met


def test_what_a_stall_disturbs_is_left_out() -> None:
    assert len(outside(delays(0.0), None)) == 100
    assert [item.at_s for item in outside(delays(0.0), STALLED)] == [*range(49), *range(62, 100)]


def samples(mb_per_minute: float = 0.0, files_at_end: int = 0) -> list[Sample]:
    return [
        Sample(
            at_s=1000.0 + at_s,
            rss_mb=500 + mb_per_minute * at_s / 60 + (300 if at_s < 60 else 0),
            cpu_s=0.4 * at_s,
            processes=4,
            files=100 + (files_at_end if at_s > 500 else 0),
            threads=40,
        )
        for at_s in range(600)
    ]


@pytest.mark.parametrize(
    ("watched", "expected"),
    [
        (samples(), []),
        (samples(mb_per_minute=5), ["memory's growth after 60 s"]),
        (samples(files_at_end=1), ["files open, after 60 s and at the end"]),
    ],
)
def test_what_grows_is_found(watched: list[Sample], expected: list[str]) -> None:
    report = Report("growth")
    judge_growth(report, watched, 1000.0, 600.0)
    assert missed(report) == expected


def test_steps_are_held_against_the_sound_that_they_are_for() -> None:
    report = Report("steps")
    quick = Steps(starts_s=np.arange(200.0), durations_ms=np.full(200, 30.0))
    slow = Steps(starts_s=np.arange(200.0), durations_ms=np.linspace(1, 50, 200))
    none = Steps(starts_s=np.zeros(0), durations_ms=np.zeros(0))
    judge_steps(report, {"hearing": quick, "separator": slow, "sight": none}, 23.2, 2)
    assert missed(report) == [
        "separator: p99 of a step, for 2 columns or 46.4 ms of sound",
        "sight: steps",
    ]


def test_what_is_told_is_read_again(tmp_path: Path) -> None:
    path, board = tmp_path / "told.jsonl", Board()
    with path.open("w", encoding="utf-8") as out:
        screen = TellingScreen(io.StringIO(), out)
        screen.tell()  # nothing has begun
        for now_s in (0.0, 0.5, 1.0):
            board.update("speaker", {"gaps": 2 * now_s})
            screen.status(now_s, board, Summary())
        screen.tell()
        out.write(json.dumps({"at_s": 9.0})[:-3])  # not yet whole
    found = read_told(path)
    assert [row.value("speaker", "gaps") for row in found] == [0.0, 2.0, 2.0]
    assert found[0].value("hearing", "gaps") == 0.0
    assert read_told(tmp_path / "none") == ()


def test_busy_processes_end_with_the_block() -> None:
    with pytest.raises(KeyboardInterrupt), busy_processes(2) as pids:
        assert all(psutil.pid_exists(pid) for pid in pids)
        raise KeyboardInterrupt
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_process_and_its_child_are_stopped_and_go_on() -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    try:
        root = psutil.Process(process.pid)
        while not root.children():
            time.sleep(0.01)
        tree = [root, *root.children()]
        stopping = threading.Thread(target=stop_for, args=(process.pid, 0.5))
        stopping.start()
        while {member.status() for member in tree} != {psutil.STATUS_STOPPED}:
            assert stopping.is_alive()
        stopping.join()
        assert psutil.STATUS_STOPPED not in {member.status() for member in tree}
        process.communicate(b"\n", timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
