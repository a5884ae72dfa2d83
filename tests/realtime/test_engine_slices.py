"""Engines at work, as a profiled run sees them: in the trace of a real one, and as NVTX ranges."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.errors import EngineError
from engines.registry import open_engine
from engines.watching import unwatched
from realtime.engine_slices import EngineSlices
from realtime.nvtx_ranges import DOMAIN
from realtime.trace import Trace
from tests.fakes.clock import FakeClock
from tests.fakes.tiny_model import tiny_spec, write_tiny_model
from tests.live.parts import missing, needed_program

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["bind", "run", "copy"]


class Ticking(FakeClock):
    """A microsecond passes whenever somebody looks."""

    def now_ns(self) -> int:
        self.advance_s(1e-6)
        return super().now_ns()


@pytest.mark.parametrize(
    ("backend", "parts"), [("openvino", PARTS), ("torch", PARTS), ("onnxruntime", [])]
)
def test_a_step_is_told_before_its_parts(backend: str, parts: list[str], tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    slices = EngineSlices(Ticking(), unwatched)
    with open_engine(tmp_path, "vision", backend, "fp32", 1, during=slices.during) as engine:
        assert slices.take() == []  # to warm up is no step
        given = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs}
        for _ in range(2):
            engine.infer(given)
    told = slices.take()
    step = f"vision {backend}/fp32"
    assert [(one, part) for one, part, _, _ in told] == 2 * [(step, part) for part in ["", *parts]]
    assert slices.take() == []


def test_a_step_that_fails_is_over_all_the_same() -> None:
    slices = EngineSlices(Ticking(), unwatched)
    with pytest.raises(EngineError), slices.during("vision a/fp32"), slices.during("run"):
        raise EngineError("no")
    with slices.during("vision a/fp32"):
        pass
    assert [part for _, part, _, _ in slices.take()] == ["", "run", ""]


def test_engines_have_a_track_beside_their_stage(tmp_path: Path) -> None:
    with closing(Trace(tmp_path / "trace.json", 0)) as trace:
        trace.add("sight", "sight", [(1_000, 9_000)])
        engine = "vision a/fp32"
        told = [(engine, "", 2_000, 8_000), (engine, "run", 3_000, 7_000)]
        trace.add_engines("sight", "sight", told)
    read = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    found = [(one["name"], one["ts"], one["dur"], one["tid"]) for one in read if one["ph"] == "X"]
    assert found == [("sight", 1, 8, 1), ("vision a/fp32", 2, 6, 2), ("run", 3, 4, 2)]
    assert len({one["pid"] for one in read}) == 1
    assert trace.engines["vision a/fp32", "run"].max_ns == 4_000


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two seconds of the demo: its trace, and its NVTX ranges if any."""
    folder = tmp_path_factory.mktemp("profiled")
    write_tiny_model(folder / "model")
    done = subprocess.run(
        [
            *(sys.executable, "run_live.py", "--demo", "--duration", "2", "--pace", "fast"),
            *("--view", "none", "--engine", "openvino", "--model", str(folder / "model")),
            *("--record", str(folder / "out"), "--profile", str(folder / "trace.json")),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
        env={**os.environ, **listening_to_nvtx(folder)},
    )
    assert done.returncode == 0, done.stderr
    return folder


def listening_to_nvtx(folder: Path) -> dict[str, str]:
    """What has the library load our listener, as it loads a profiler's; {} without a compiler."""
    if shutil.which("g++") is None:
        return {}
    library = folder / "listener.so"
    source = ROOT / "tests" / "fakes" / "nvtx_listener.cpp"
    subprocess.run(["g++", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"NVTX_INJECTION64_PATH": str(library), "NVTX_LISTENER_FOLDER": str(folder)}


def slices_of(folder: Path) -> list[dict[str, Any]]:
    read = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    return [one for one in read if one["ph"] == "X"]


def test_every_update_of_a_run_has_its_steps_of_the_engines(profiled: Path) -> None:
    slices = slices_of(profiled)
    steps = Counter(one["name"] for one in slices if one["cat"] == "step")
    engines = [one for one in slices if one["cat"] == "engine"]
    names = Counter(one["name"] for one in engines)
    looks = names["vision openvino/fp32"]
    heard = names["sound openvino/fp32"]
    spec = tiny_spec()
    assert looks == 2 * spec.vision.rate_hz  # two seconds, one look at a picture
    assert heard == math.ceil(2 * spec.audio.rate_hz / spec.audio.hop / 2)  # two columns each
    assert {"sight", "hearing"} <= set(steps)
    assert names["bind"] == names["run"] == names["copy"] == looks + heard
    for part in (one for one in engines if one["name"] in PARTS):
        (whole,) = (
            one
            for one in engines
            if one["tid"] == part["tid"]
            and one["name"] not in PARTS
            and one["ts"] <= part["ts"]
            and part["ts"] + part["dur"] <= one["ts"] + one["dur"] + 1e-3
        )
        assert whole["pid"] == part["pid"]
    for engine, stage in (("vision", "sight"), ("sound", "hearing")):
        own = [one for one in slices if one["name"] == stage]
        for one in (one for one in engines if one["name"].startswith(engine)):
            assert any(
                step["pid"] == one["pid"]
                and step["tid"] != one["tid"]
                and step["ts"] <= one["ts"]
                and one["ts"] + one["dur"] <= step["ts"] + step["dur"] + 1e-3
                for step in own
            )


@pytest.mark.skipif(sys.platform != "linux", reason="nvtx is for Linux alone")
def test_a_profiler_sees_the_same_as_ranges(profiled: Path) -> None:
    needed_program("g++", "g++")
    if importlib.util.find_spec("nvtx") is None:
        missing("nvtx", "run: pip install nvtx")
    slices = [one for one in slices_of(profiled) if one["cat"] == "engine"]
    seen: Counter[str] = Counter()
    for told in profiled.glob("nvtx-*.txt"):
        depth = 0
        for line in told.read_text(encoding="utf-8").splitlines():
            if line == "pop":
                depth -= 1
                continue
            domain, _, name = line.partition(" ")
            assert domain == DOMAIN
            assert depth == (name in PARTS)
            seen[name] += 1
            depth += 1
        assert depth == 0
    assert seen == Counter(one["name"] for one in slices)
