"""Stages that fail while a run is live: another takes their place, and goes on where they were."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import numpy as np
import psutil
import pytest

from realtime.children import Child
from realtime.clock import SystemClock
from realtime.early import early_children
from realtime.screen import Screen
from realtime.supervisor import Supervisor
from tests.fakes.script import Script
from tests.fakes.stages import CHUNK_SAMPLES, plan


@pytest.fixture
def crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "live-pixel-player" / "crashes"


def run(
    folder: Path, stage: str, kind: str, placement: str, *, spared: tuple[str, ...] = ()
) -> tuple[str, Supervisor]:
    out, before = io.StringIO(), psutil.Process().children(recursive=True)
    script = Script(
        results=str(folder), chunks=None, quits=True, heals=True, fault=stage, fault_kind=kind
    )
    made = plan(script, placement=placement, pace="realtime")
    with early_children(
        "processes" if placement == "processes" else "threads", "realtime"
    ) as early:
        supervisor = Supervisor(made, SystemClock(), Screen(out), early=early, spared=spared)
        assert supervisor.run() == 0, out.getvalue()
    assert psutil.Process().children(recursive=True) == before
    return out.getvalue(), supervisor


CASES = [
    *(("threads", "raise", stage) for stage in ("sight", "hearing", "separator", "window")),
    *(("processes", "raise", stage) for stage in ("hearing", "window")),
    *(("processes", "kill", stage) for stage in ("sight", "hearing", "separator")),
    *(("processes", "stop", stage) for stage in ("sight", "separator")),
]


@pytest.mark.parametrize(("placement", "kind", "stage"), CASES)
def test_who_fails_is_replaced_and_the_run_goes_on(
    tmp_path: Path, crashes: Path, placement: str, kind: str, stage: str
) -> None:
    text, supervisor = run(tmp_path, stage, kind, placement)
    words = {
        "raise": f"{stage} failed (ValueError: something broke; see {crashes}",
        "kill": f"{stage} killed by signal 9; it is replaced; see {crashes}",
        "stop": f"{stage} was stopped; it is replaced; see {crashes}",
    }
    assert words[kind] in text
    assert supervisor.board.get("supervisor", "restarts") == 1
    # What was sent before and after is there, in order; of a process that was killed some is not.
    firsts = np.load(tmp_path / "firsts.npy")
    steps = np.diff(firsts) // CHUNK_SAMPLES
    assert (steps > 0).all()
    assert len(firsts) > 100
    if kind == "raise":
        assert np.count_nonzero(steps > 1) <= 1  # what it held as it failed
    lives = np.load(tmp_path / "lives.npy")
    assert lives[-1] == (2 if stage == "separator" else 1)
    (report,) = crashes.iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    said = report.read_text(encoding="utf-8")
    reads = {"sight": "video: VideoFrame(", "separator": "sound: SoundColumns("}
    assert reads.get(stage, "") in said
    assert "numpy" in said
    if kind == "raise":
        assert 'raise ValueError("something broke")' in said


def test_a_stage_that_hangs_is_replaced(
    tmp_path: Path, crashes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.crew.HUNG_S", 1.0)
    text, _ = run(tmp_path, "hearing", "hang", "processes")
    assert "hearing said nothing for 1 s; it is replaced; see " in text


def test_a_spare_takes_over(tmp_path: Path, crashes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.crew.SPARE_AFTER_NS", 0)
    text, _ = run(tmp_path, "separator", "kill", "processes", spared=("separator",))
    assert "separator killed by signal 9; it is replaced" in text
    assert np.load(tmp_path / "lives.npy")[-1] == 2


def test_spares_leave_by_themselves_when_the_run_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait for a go that does not come: the command waited seconds for them, and killed."""
    monkeypatch.setattr("realtime.crew.SPARE_AFTER_NS", 0)
    fates: list[str | None] = []
    leave = Child.leave

    def watched(child: Child) -> None:
        leave(child)
        fates.append(child.fate())

    monkeypatch.setattr(Child, "leave", watched)
    script = Script(results=str(tmp_path), chunks=None)
    made = plan(script, placement="processes", pace="realtime", duration_s=6.0)
    out = io.StringIO()
    spared = ("sight", "hearing", "separator")
    assert Supervisor(made, SystemClock(), Screen(out), spared=spared).run() == 0
    assert fates == 6 * ["exit code 0"], out.getvalue()


def test_one_that_fails_ever_again_does_not_end_the_run(
    tmp_path: Path, crashes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.supervisor.OVERTIME_S", 0.0)
    script = Script(results=str(tmp_path), chunks=None, fault="sight", fault_kind="raise")
    made = plan(script, placement="processes", pace="realtime", duration_s=4.0)
    out = io.StringIO()
    supervisor = Supervisor(made, SystemClock(), Screen(out))
    assert supervisor.run() == 0
    assert (supervisor.board.get("supervisor", "restarts") or 0) >= 2
    assert "sight failed (ValueError: something broke; see" in out.getvalue()
    assert not os.path.lexists(made.folder or tmp_path / "none")
