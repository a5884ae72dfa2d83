"""The published weights become a model folder whose graphs compute what the paper's do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from engines.model import read_spec
from engines.registry import open_engine
from pixelplayer.pictures import DEVIATION, MEAN
from tests.fakes.disk import room_for
from tests.fakes.published import frame_features, lively, published, sound_components
from training.published import main

ROOT = Path(__file__).parents[2]
WIDTH, CHANNELS = 4, 5
FILES = ("frame", "sound", "synthesizer")


@pytest.fixture(scope="module")
def states() -> tuple[dict[str, Tensor], ...]:
    torch.manual_seed(0)
    return lively(published(WIDTH, CHANNELS))


@pytest.fixture(scope="module")
def files(
    states: tuple[dict[str, Tensor], ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("published")
    paths = {part: folder / f"{part}_best.pth" for part in FILES}
    for path, state in zip(paths.values(), states, strict=True):
        torch.save(state, path)
    return paths


@pytest.fixture(scope="module")
def model(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    assert main([*options(files), "--out", str(folder)]) == 0
    return folder


def options(files: dict[str, Path]) -> list[str]:
    return [text for part, path in files.items() for text in (f"--{part}", str(path))]


def run(graph: Path, x: Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return np.asarray(result)


def assert_same(found: np.ndarray, expected: Tensor) -> None:
    wanted = expected.numpy()
    assert found.shape == wanted.shape
    assert wanted.std() > 1e-3  # nothing has died on the way
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_a_normalised_frame_gives_the_published_features(model: Path, states: tuple) -> None:
    frames = torch.randn(2, 3, 224, 224)
    expected = frame_features(states[0], frames)
    assert 0.2 < expected.std() < 5
    assert expected.shape == (2, CHANNELS, 14, 14)
    assert_same(run(model / "vision.onnx", frames), expected.sigmoid())


def test_a_log_spectrogram_gives_the_published_components(model: Path, states: tuple) -> None:
    log_spectrogram = torch.empty(1, 1, 256, 256).uniform_(-23, 4)
    expected = sound_components(states[1], log_spectrogram)
    assert expected.shape == (1, CHANNELS, 256, 256)
    assert_same(run(model / "sound.onnx", log_spectrogram), expected)


def test_the_description_is_the_papers(model: Path) -> None:
    spec = json.loads((model / "model.json").read_text())
    assert spec["audio"] == {
        "rate_hz": 11025,
        "n_fft": 1022,
        "hop": 256,
        "columns": 256,
        "frequency_bins": 256,
        "warp_base": 21.0,
    }
    assert spec["vision"]["picture"] == "imagenet"
    assert (spec["vision"]["width"], spec["sound"]["width"]) == (WIDTH, WIDTH)
    assert spec["channels"] == CHANNELS


def test_the_reference_engine_computes_the_same(model: Path) -> None:
    frames = np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32)
    with open_engine(model, "vision", "torch", "fp32", 1) as engine:
        found = engine.infer({"picture": frames})["features"]
    np.testing.assert_allclose(
        found, run(model / "vision.onnx", torch.from_numpy(frames)), atol=1e-4
    )


def test_it_can_be_run_in_steps(model: Path) -> None:
    spec = read_spec(model)
    assert spec.sound.step_columns == 2
    rng = np.random.default_rng(0)
    answers = []
    for backend in ("torch", "onnxruntime"):
        with open_engine(model, "step", backend, "fp32", 1, newest=14) as engine:
            given = {
                one.name: rng.uniform(-1, 1, one.shape).astype(np.float32) for one in engine.inputs
            }
            answers.append(engine.infer(given)["sound"])
        rng = np.random.default_rng(0)
    assert answers[0].shape == (1, CHANNELS, 256, 2)
    np.testing.assert_allclose(*answers, rtol=1e-3, atol=1e-4 * np.abs(answers[0]).max())


def test_a_live_run_takes_it(model: Path, tmp_path: Path) -> None:
    line = (
        f"--demo --model {model} --duration 2 --engine onnxruntime --speaker none --view none "
        f"--pace fast --record {tmp_path / 'out'}"
    )
    done = subprocess.run(
        [sys.executable, "run_live.py", *line.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "session.json").read_text())["model"] == "published"


def test_names_of_a_parallel_training_are_understood(
    files: dict[str, Path], tmp_path: Path
) -> None:
    state = torch.load(files["frame"], weights_only=True)
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "f.pth")
    renamed = files | {"frame": tmp_path / "f.pth"}
    assert main([*options(renamed), "--out", str(tmp_path / "model")]) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing"),
        (b"", "is no file of weights"),
        (b"<html>404</html>", "is no file of weights"),
        ([1, 2], "holds list, not a state dict"),
        ({"fc.weight": 3}, "'fc.weight' is int, no tensor"),
        ({"fc.weight": torch.zeros(3, 4, 3, 3)}, "have no 'features"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: object,
    message: str,
) -> None:
    path = tmp_path / "frame.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    assert main([*options(files | {"frame": path}), "--out", str(tmp_path / "model")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert message in said
    assert not (tmp_path / "model").exists()


def test_a_disk_that_is_full_is_one_line_and_no_model(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with room_for(20_000):
        assert main([*options(files), "--out", str(tmp_path / "model")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / 'model'} cannot be written (File too large)")
    assert said.count("\n") == 1
    assert not (tmp_path / "model").exists()


def test_a_file_in_the_place_of_the_folder_is_one_line(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model").write_text("mine")
    assert main([*options(files), "--out", str(tmp_path / "model")]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'model'} is a file; name a")
    assert (tmp_path / "model").read_text() == "mine"


def test_the_command_lists_what_there_is_and_refuses_what_is_not() -> None:
    def training(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "training", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    assert "import" in training("--help").stdout
    wrong = training("teach")
    assert wrong.returncode == 2
    assert "no command 'teach'" in wrong.stderr
    assert "--synthesizer" in training("import", "--help").stdout


def test_what_a_normalised_frame_is() -> None:
    assert MEAN == (0.485, 0.456, 0.406)
    assert DEVIATION == (0.229, 0.224, 0.225)
