"""Whole runs of small stages, with real sockets, threads and processes."""

from __future__ import annotations

import io
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from realtime.clock import SystemClock
from realtime.screen import Screen
from realtime.supervisor import Supervisor, roomy
from realtime.trace import Trace
from tests.fakes.script import Script
from tests.fakes.stages import plan

PLACEMENTS = ("threads", "processes")


@pytest.fixture(autouse=True)
def own_sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs beside this one have others."""
    with tempfile.TemporaryDirectory(prefix="supervisor-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield


def run(script: Script, **more: str) -> tuple[int, str, Supervisor]:
    out = io.StringIO()
    threads = threading.active_count()
    before = set(Path(tempfile.gettempdir()).glob("pixelplayer-*"))
    supervisor = Supervisor(plan(script, **more), SystemClock(), Screen(out))
    code = supervisor.run()
    assert set(Path(tempfile.gettempdir()).glob("pixelplayer-*")) <= before
    assert threading.active_count() == threads
    return code, out.getvalue(), supervisor


def counts(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
    return found


def test_fast_is_bit_identical_in_every_placement(tmp_path: Path) -> None:
    results = []
    for name in PLACEMENTS:
        folder = tmp_path / name
        folder.mkdir()
        code, _, _ = run(Script(results=str(folder)), placement=name, pace="fast")
        assert code == 0
        found = counts(folder)
        assert (found["video VideoFrame"], found["streams Streams"]) == (50, 50)
        assert found["scene Scene"] == 50
        results.append((folder / "streams.npy").read_bytes())
    assert results[0] == results[1]
    assert np.load(tmp_path / "threads" / "streams.npy").shape == (2, 4000)


def test_processes_are_really_apart(tmp_path: Path) -> None:
    run(Script(results=str(tmp_path)), placement="processes")
    marks = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in tmp_path.glob("*.closed")
    }
    assert marks["Demo"]["pid"] == marks["Recorder"]["pid"] == os.getpid()
    assert len({mark["pid"] for mark in marks.values()}) == 4
    assert marks["Window"]["thread"] == "MainThread"
    assert marks["Recorder"]["thread"] == "recorder"


def test_realtime_loses_no_sound(tmp_path: Path) -> None:
    code, text, _ = run(Script(results=str(tmp_path)), placement="threads", pace="realtime")
    assert code == 0
    assert counts(tmp_path)["streams Streams"] == 50
    assert "object 1: at (0.25, 0.50), -20.0 dB" in text


def test_numbers_of_every_stage_are_collected(tmp_path: Path) -> None:
    _, _, supervisor = run(Script(results=str(tmp_path)), placement="processes")
    values = supervisor.board.values
    assert set(values) == {"demo", "sight", "hearing", "separator", "recorder", "window"}
    assert values["sight"]["sequence"] == 50
    assert values["sight"]["p99_ms"] > 0
    assert "separator" in supervisor.table()
    assert counts(tmp_path)["stats Stats"] > 0


def test_trace_has_a_track_per_stage(tmp_path: Path) -> None:
    made = plan(Script(results=str(tmp_path)), placement="processes", is_traced=True)
    clock = SystemClock()
    with closing(Trace(tmp_path / "trace.json", clock.now_ns())) as trace:
        assert Supervisor(made, clock, Screen(io.StringIO()), trace=trace).run() == 0
    events = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    tracks = {item["args"]["name"] for item in events if item["name"] == "thread_name"}
    assert tracks == {"demo", "sight", "hearing", "separator", "recorder", "window"}
    steps = [item for item in events if item["ph"] == "X"]
    assert all(item["dur"] >= 0 and item["ts"] >= 0 for item in steps)
    assert sum(item["name"] == "demo" for item in steps) == 51


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full disk at hand")
def test_a_full_disk_ends_the_trace_and_not_the_run(tmp_path: Path) -> None:
    made = plan(Script(results=str(tmp_path)), placement="processes", is_traced=True)
    said, clock = io.StringIO(), SystemClock()
    trace = Trace(Path("/dev/full"), clock.now_ns())
    trace.add("main", "demo", [(0, 1)] * 70)  # the next few do not fit the file's buffer
    assert Supervisor(made, clock, Screen(said), trace=trace).run() == 0
    assert "--profile: the trace ends here (No space left" in said.getvalue()
    with pytest.raises(OSError, match="No space"):
        trace.close()


@pytest.mark.parametrize("pace", ["fast", "realtime"])
def test_duration_is_exact_to_the_sample(tmp_path: Path, pace: str) -> None:
    script = Script(results=str(tmp_path), chunks=None)
    code, _, _ = run(script, placement="threads", pace=pace, duration_s=0.2)  # type: ignore[arg-type]
    assert code == 0
    assert np.load(tmp_path / "streams.npy").shape == (2, 1600)
    assert counts(tmp_path)["video VideoFrame"] <= 20


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_window_can_quit(tmp_path: Path, placement: str) -> None:
    script = Script(results=str(tmp_path), chunks=None, quits=True)
    code, _, _ = run(script, placement=placement, pace="realtime")
    assert code == 0
    found = counts(tmp_path)
    assert found["streams End"] == found["video End"] == found["scene End"] == 1


@pytest.mark.parametrize(
    ("placement", "kind", "stage"),
    [
        ("threads", "open_usage", "sight"),
        ("processes", "open_usage", "sight"),
        ("processes", "open_device", "recorder"),
        ("processes", "open_device", "window"),
        ("threads", "open_device", "window"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_line(
    tmp_path: Path, placement: str, kind: str, stage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Script(results=str(tmp_path), chunks=None, fault=stage, fault_kind=kind)
    got, text, _ = run(script, placement=placement)
    assert got == {"open_usage": 2, "open_device": 3}[kind]
    assert text.count("error: ") == 1
    assert text.startswith("error: no such ")
    assert "; run with --" in text
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "streams.npy").exists()


@pytest.mark.parametrize("stage", ["sight", "separator"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_an_exception_ends_the_run_in_order(
    tmp_path: Path, placement: str, stage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Script(results=str(tmp_path), chunks=None, fault=stage, fault_kind="raise")
    code, text, _ = run(script, placement=placement, pace="fast")
    assert code == 1
    assert f"error: {stage} failed (ValueError: something broke)" in text
    assert "something broke" in capfd.readouterr().err
    assert counts(tmp_path)["streams End"] == 1


@pytest.mark.parametrize("stage", ["sight", "hearing", "separator"])
def test_where_nothing_is_live_a_child_that_is_killed_ends_the_run_in_order(
    tmp_path: Path, stage: str
) -> None:
    script = Script(results=str(tmp_path), chunks=None, fault=stage, fault_kind="kill")
    code, text, _ = run(script, placement="processes", pace="fast")
    assert code == 1
    assert f"error: {stage} died (killed by signal 9)" in text
    found = counts(tmp_path)
    assert found["streams End"] == found["video End"] == 1


def test_a_stage_that_hangs_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.supervisor.STOP_S", 0.3)
    monkeypatch.setattr("realtime.children.PATIENCE_S", 0.3)
    script = Script(
        results=str(tmp_path), chunks=None, quits=True, fault="sight", fault_kind="hang"
    )
    code, text, _ = run(script, placement="processes", pace="realtime")
    assert code == 1
    assert "not waiting for" in text
    assert "sight" in text
    assert (tmp_path / "Recorder.closed").exists()


def test_sockets_have_short_paths_wherever_temporary_files_go() -> None:
    assert roomy("/var/tmp") == "/var/tmp"
    assert roomy("/long" * 20) == "/tmp"
