"""A new engine is held against the reference once, and what was found is kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from calibration.graphs import read_graph
from calibration.half import halved
from calibration.quantize import simplified
from engines import parity
from engines.__main__ import main
from engines.closing import Closing
from engines.errors import EngineError
from engines.protocol import FloatArray, TensorSpec
from engines.registry import open_engine
from engines.shipped import SHIPPED_MODEL
from engines.store import Store


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Scaled(Closing):
    """Says what it is given, and so much more."""

    inputs = (TensorSpec(name="x", shape=(1,)),)
    outputs = (TensorSpec(name="y", shape=(1,)),)

    def __init__(self, more: float) -> None:
        self.name, self._more = "scaled/fp32", more

    def infer(self, inputs: Mapping[str, Any]) -> dict[str, FloatArray]:
        return {"y": inputs["x"] + np.float32(self._more)}

    def close(self) -> None:
        pass


def test_a_soft_answer_is_no_measure_of_its_own() -> None:
    given = [np.array([value], np.float32) for value in (2.0, 0.01)]
    assert parity.error(Scaled(0), Scaled(0.01), given) == pytest.approx(0.005, rel=1e-4)
    assert not parity.error(Scaled(0), Scaled(float("nan")), given) <= 1


def test_it_is_measured_once(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_engine(tiny_model, "sound", "openvino", "fp32", 1).close()
    (kept,) = Store().entries()
    assert 0 <= kept.facts["parity"] <= 1e-4
    assert kept.facts["ms"] > 0
    assert f"{kept.facts['parity']:.1e} from the reference" in kept.describe()
    monkeypatch.setattr(parity, "TOLERANCE", {"fp32": -1.0})
    open_engine(tiny_model, "sound", "openvino", "fp32", 1).close()


def test_what_is_too_far_off_is_neither_used_nor_kept(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "TOLERANCE", {"fp32": -1.0})
    with pytest.raises(EngineError, match=r"openvino/fp32 differs from .* more than -1: it is not"):
        open_engine(tiny_model, "sound", "openvino", "fp32", 1)
    assert not Store().entries()
    open_engine(tiny_model, "sound", "onnxruntime", "fp32", 1).close()  # the reference


def test_sixteen_bits_in_onnx_runtime_are_held_to_thirty_two(
    own_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = halved(simplified(read_graph(own_model / "vision.onnx")))
    onnx.save(half, own_model / "vision.fp16.onnx")
    open_engine(own_model, "vision", "onnxruntime", "fp16", 1).close()
    (kept,) = Store().entries()
    assert kept.key.precision == "fp16"
    assert 1e-6 < kept.facts["parity"] <= 2e-3
    monkeypatch.setattr(parity, "TOLERANCE", {"fp16": 1e-9})
    open_engine(own_model, "vision", "onnxruntime", "fp16", 1).close()
    assert Store().clean() == 1
    with pytest.raises(EngineError, match="onnxruntime/fp16 differs from the reference"):
        open_engine(own_model, "vision", "onnxruntime", "fp16", 1)


@pytest.mark.timeout(300)  # on a machine that does much else
def test_the_shipped_model_is_as_near_as_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--model", str(SHIPPED_MODEL)]) == 0
    printed = capsys.readouterr().out
    assert "| 0.15 |" in printed
    assert "| 0.0001 |" in printed
