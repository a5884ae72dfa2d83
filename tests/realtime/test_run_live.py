"""The command itself, with the real stages and a tiny untrained model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run_live.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=cwd,
        check=False,
    )


def demo(model: Path, folder: Path, placement: str) -> dict[str, bytes]:
    done = run(
        *f"--demo --duration 2 --pace fast --view none --speaker none --place {placement}".split(),
        *("--model", str(model), "--engine", "onnxruntime", "--record", str(folder / "out")),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    assert "ran " in done.stderr
    return {path.name: path.read_bytes() for path in sorted((folder / "out").glob("*.wav"))}


def test_streams_are_bit_identical_in_every_placement(model: Path, tmp_path: Path) -> None:
    results = []
    for placement in ("threads", "processes"):
        folder = tmp_path / placement
        folder.mkdir()
        results.append(demo(model, folder, placement))
    assert {"mixture.wav", "residual.wav"} <= set(results[0])
    assert results[0] == results[1]


def test_a_profile_is_written(model: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    done = run(
        *("--demo", "--duration", "0.5", "--pace", "fast", "--view", "none"),
        *("--engine", "onnxruntime", "--model", str(model), "--profile", str(trace)),
    )
    assert done.returncode == 0, done.stderr
    assert "p99 ms" in done.stderr
    names = {event["name"] for event in json.loads(trace.read_text("utf-8"))["traceEvents"]}
    assert {"demo", "sight", "hearing", "separator"} <= names


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--dmo"], 2, "error: unknown option --dmo, did you mean --demo?"),
        (["--source", "missing.mp4"], 2, "error: "),
        (["--demo", "--model", "/missing"], 2, "error: no model at /missing"),
    ],
)
def test_wrong_use_is_one_line(arguments: list[str], code: int, text: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert done.stderr.startswith(text)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_live_run_loads_no_torch(model: Path) -> None:
    program = (
        "import sys, run_live\n"
        "code = run_live.main(sys.argv[1:])\n"
        "heavy = {'torch', 'onnx', 'soundfile', 'mir_eval', 'scipy'} & sys.modules.keys()\n"
        "sys.exit(code or (9 if heavy else 0))\n"
    )
    done = subprocess.run(
        [
            *(sys.executable, "-c", program, "--demo", "--duration", "0.5", "--pace", "fast"),
            *("--view", "none", "--place", "threads", "--engine", "onnxruntime"),
            *("--model", str(model)),
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_devices_and_doctor_answer() -> None:
    done = run("--list-devices")
    assert done.returncode == 0
    assert "Cameras (--video)" in done.stdout
    assert "numpy" in run("--doctor").stdout
