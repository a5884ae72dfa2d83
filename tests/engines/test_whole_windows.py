"""The graph for whole windows, in engines, against the network as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from calibration.half import halved
from calibration.quantize import quantized, simplified
from engines.registry import is_installed, open_engine
from tests.fakes.tiny_model import tiny_published_spec, write_tiny_model

HERE = [name for name in ("onnxruntime", "openvino") if is_installed(name)]
SPEC = tiny_published_spec()
SHAPE = (1, 1, SPEC.audio.frequency_bins, SPEC.audio.columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "model"
    write_tiny_model(folder, SPEC)
    windows = np.random.default_rng(5).uniform(-16, 3, (4, *SHAPE[1:])).astype(np.float32)
    simple = simplified(onnx.load(folder / "window.onnx"))
    onnx.save(halved(simple), folder / "window.fp16.onnx")
    onnx.save(quantized(simple, windows), folder / "window.int8.onnx")
    return folder


def said(folder: Path, backend: str, precision: str, newest: int | None = None) -> np.ndarray:
    window = np.random.default_rng(6).uniform(-16, 3, SHAPE).astype(np.float32)
    with open_engine(folder, "sound", backend, precision, 1, newest=newest) as engine:
        return engine.infer({"log_magnitude": window})["sound"]


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.square(found - wanted).sum() / np.square(wanted).sum()))


@pytest.mark.parametrize("backend", HERE)
@pytest.mark.parametrize("newest", [None, SPEC.audio.columns])
def test_it_says_what_the_network_says(folder: Path, backend: str, newest: int | None) -> None:
    wanted = said(folder, "torch", "fp32")
    found = said(folder, backend, "fp32", newest)
    assert np.abs(found - wanted).max() <= 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("backend", HERE)
@pytest.mark.parametrize(("precision", "most_db"), [("fp16", -50), ("int8", -25)])
def test_other_precisions_round_and_no_more(
    folder: Path, backend: str, precision: str, most_db: float
) -> None:
    assert error_db(said(folder, backend, precision), said(folder, "torch", "fp32")) < most_db


@pytest.mark.skipif("openvino" not in HERE, reason="pip install openvino")
def test_openvino_computes_the_very_graph_in_eight_bits(folder: Path) -> None:
    """It moves what rounds past a ReLU and a join of branches, and is then wrong by the signal."""
    assert error_db(said(folder, "openvino", "int8"), said(folder, "onnxruntime", "int8")) < -30


def test_it_is_taken_for_whole_windows_alone(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "model"
    shutil.copytree(folder, alone)
    (alone / "sound.onnx").unlink()
    assert said(alone, "onnxruntime", "fp32").shape[3] == SPEC.audio.columns
    shutil.copy(folder / "sound.onnx", alone)
    (alone / "window.onnx").write_bytes(b"")
    assert said(alone, "onnxruntime", "fp32", newest=6).shape[3] == 6
