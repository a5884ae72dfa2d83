"""Steps with a cache, in engines, against whole windows in the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from calibration.collection import CalibrationError
from calibration.quantize import quantized, simplified
from calibration.steps import quantized_like
from engines.cached_steps import CachedSteps
from engines.errors import EngineError
from engines.model import read_spec
from engines.protocol import Engine
from engines.registry import BACKENDS, is_installed, open_engine
from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.warp import LOG_FLOOR
from tests.fakes.tiny_model import tiny_stepping_spec, write_tiny_model

HERE = [name for name in ("onnxruntime", "openvino", "torch") if is_installed(name)]
SPEC = tiny_stepping_spec()
STEPS = encoder_columns(SPEC.sound, SPEC.audio)
AHEAD = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stepping") / "model"
    write_tiny_model(folder, SPEC)
    rng = np.random.default_rng(5)
    shape = (8, 1, SPEC.audio.frequency_bins, SPEC.audio.columns)
    windows = rng.uniform(-16, 3, shape).astype(np.float32)
    eight = quantized(simplified(onnx.load(folder / "sound.onnx")), windows)
    onnx.save(eight, folder / "sound.int8.onnx")
    step = quantized_like(simplified(onnx.load(folder / "step.onnx")), eight)
    onnx.save(step, folder / "step.int8.onnx")
    return folder


def stepping(engine: Engine, lookahead: int = AHEAD) -> CachedSteps:
    return CachedSteps(
        lambda given, _: engine.infer(given), STEPS, SPEC.audio.frequency_bins, lookahead
    )


def answers(folder: Path, backend: str, precision: str) -> tuple[np.ndarray, np.ndarray]:
    """Of steps and of windows, over two windows' length."""
    step, bins, window = STEPS.step, SPEC.audio.frequency_bins, SPEC.audio.columns
    newest = step + AHEAD
    rng = np.random.default_rng(6)
    heard = np.full((1, 1, bins, window), np.log(LOG_FLOOR), np.float32)
    said, wanted = [], []
    with (
        open_engine(folder, "sound", backend, precision, 1, newest=newest) as windows,
        open_engine(folder, "step", backend, precision, 1, newest=newest) as engine,
    ):
        network = stepping(engine)
        for _ in range(2 * window // step):
            new = rng.uniform(-16, 3, (1, 1, bins, step)).astype(np.float32)
            heard = np.ascontiguousarray(np.concatenate([heard[..., step:], new], axis=3))
            said.append(network.step(new))
            wanted.append(windows.infer({"log_magnitude": heard})["sound"][..., :step])
    return np.stack(said), np.stack(wanted)


@pytest.mark.parametrize("backend", HERE)
def test_steps_say_what_windows_say(folder: Path, backend: str) -> None:
    steps, windows = answers(folder, backend, "fp32")
    np.testing.assert_allclose(steps, windows, rtol=0.0, atol=5e-6 * np.abs(windows).max())


@pytest.mark.parametrize("backend", [name for name in HERE if name != "torch"])
def test_in_eight_bits_they_round_as_windows_do(folder: Path, backend: str) -> None:
    """They are much closer to windows in eight bits than these are to windows in float32."""
    steps, windows = answers(folder, backend, "int8")
    _, exact = answers(folder, backend, "fp32")
    assert np.std(steps - windows) < 0.5 * np.std(windows - exact)


def test_the_numbers_of_another_network_are_refused(folder: Path) -> None:
    step, other = onnx.load(folder / "step.onnx"), onnx.load(folder / "vision.onnx")
    with pytest.raises(CalibrationError, match="the step has 8 convolutions, the window"):
        quantized_like(step, other)


def test_it_begins_anew_when_told(folder: Path) -> None:
    rng = np.random.default_rng(0)
    shape = (1, 1, SPEC.audio.frequency_bins, STEPS.step)
    new = [rng.uniform(-16, 3, shape).astype(np.float32) for _ in range(3)]
    with open_engine(folder, "step", "onnxruntime", "fp32", 1) as engine:
        network = stepping(engine, 0)
        first = [network.step(one) for one in new]
        assert not np.array_equal(network.step(new[0]), first[0])
        network.reset()
        for one, said in zip(new, first, strict=True):
            np.testing.assert_array_equal(network.step(one), said)


def test_more_than_is_at_hand_is_refused(folder: Path) -> None:
    with open_engine(folder, "step", "onnxruntime", "fp32", 1) as engine:
        with pytest.raises(ValueError, match="wanted 0 to 14"):
            stepping(engine, 15)
        network = stepping(engine, 14)
        with pytest.raises(ValueError, match="lookahead of -1 columns"):
            network.look_ahead(-1)
    for newest in (1, 17):
        with pytest.raises(EngineError, match=f"2 to 16 columns before the newest, not {newest}"):
            open_engine(folder, "step", "onnxruntime", "fp32", 1, newest=newest)


def test_what_runs_no_steps_says_what_does(folder: Path) -> None:
    assert not BACKENDS["torch_compile"].caches
    with pytest.raises(EngineError, match="runs no steps with a cache; use one of onnxruntime"):
        open_engine(folder, "step", "torch_compile", "fp32", 1)


def test_a_model_without_steps_says_so(folder: Path, tmp_path: Path) -> None:
    spec = replace(SPEC, sound=replace(SPEC.sound, step_columns=0))
    write_tiny_model(tmp_path / "model", spec)
    assert not (tmp_path / "model" / "step.onnx").exists()
    with pytest.raises(EngineError, match="has no steps"):
        open_engine(tmp_path / "model", "step", "onnxruntime", "fp32", 1)
    assert read_spec(folder).sound.step_columns == 2
