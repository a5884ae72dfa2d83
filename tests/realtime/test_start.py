"""What a process loads until its stages are open: what it does without, it starts without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.command_line import parse
from realtime.compose import compose
from tests.fakes.tiny_model import write_tiny_model

ROOT = Path(__file__).parents[2]
# Of other processes, of a first start, or of nothing that plays.
NEVER = (
    *("torch", "torchvision", "onnx", "scipy", "soundfile", "mir_eval", "matplotlib", "PIL"),
    *("tritonclient", "tensorrt", "tensorrt_rtx", "cuda", "asyncio", "multiprocessing"),
    *("openvino_telemetry", "openvino.tools", "urllib.request", "http.client"),
    *("engines.acceptance", "engines.parity", "engines.survey", "calibration", "training"),
)
CHILDREN_NEVER = (
    *NEVER,
    *("onnxruntime", "av", "sounddevice", "importlib.metadata", "email"),
    *("engines.auto", "pixelplayer.band", "realtime.supervisor", "realtime.command_line"),
)
OPEN_ONE = """
import sys
from realtime.clock import SystemClock
import realtime.host
from realtime.plan import Plan, load_builder
plan = Plan.from_json(sys.stdin.read())
stage = load_builder(plan.builder)(sys.argv[1], plan, SystemClock())
stage.open()
print(*(name for name, module in sys.modules.items() if module))
"""
COMPOSE = """
import os, sys, run_live
run_live.compose(run_live.parse(sys.argv[1:]), os.environ, lambda text: None)
print(*(name for name, module in sys.modules.items() if module))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def loaded(program: str, *arguments: str, given: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("stage", "needs", "unneeded"),
    [
        ("sight", {"cv2", "openvino"}, set()),
        ("hearing", {"openvino"}, {"cv2"}),
        ("separator", {"realtime.stages.separator"}, {"cv2", "openvino"}),
    ],
)
def test_a_child_loads_what_its_stage_needs(
    stage: str, needs: set[str], unneeded: set[str], model: Path, tmp_path: Path
) -> None:
    line = ["--demo", "--view", "none", "--speaker", "none", "--engine", "openvino"]
    options = parse([*line, "--model", str(model)])
    plan = compose(options, {}, lambda text: None).with_addresses(tmp_path).to_json()
    loaded(OPEN_ONE, stage, given=plan)  # the first compiles, and compares
    found = loaded(OPEN_ONE, stage, given=plan)
    assert needs <= found
    assert found & {*CHILDREN_NEVER, *unneeded} == set()


def test_a_plan_is_made_before_anything_is_loaded_that_runs_or_shows_it(
    model: Path,
) -> None:
    line = ["--demo", "--view", "none", "--speaker", "none", "--model", str(model)]
    loaded(COMPOSE, *line)  # the first measures
    found = loaded(COMPOSE, *line)
    assert "engines.auto" in found
    runtimes = {"openvino", "onnxruntime", "cv2", "av", "sounddevice"}
    assert found & {*NEVER, *runtimes, "pixelplayer.band", "realtime.build"} == set()
