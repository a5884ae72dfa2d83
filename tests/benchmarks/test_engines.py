"""The table of engines: all that run here are in it, and the baseline is torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.engines import cases, main
from benchmarks.model_engines import cores
from benchmarks.report import BenchmarkError
from tests.fakes.tiny_model import write_tiny_model


def test_every_engine_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model"
    write_tiny_model(folder)
    names = {(case.backend, case.precision) for case in cases(folder)}
    assert {("openvino", "fp32"), ("onnxruntime", "fp32")} <= names
    assert "torch" not in {backend for backend, _ in names}
    told = tmp_path / "engines.json"
    assert main(["--model", str(folder), "--seconds", "0.02", "--json", str(told)]) == 0
    printed = capsys.readouterr().out
    assert "torch eager, all cores" in printed
    values = json.loads(told.read_text())["values"]
    assert values["updates_per_s"]["torch eager"] > 0
    assert "openvino/fp32, 1 thread" in values["updates_per_s"]
    assert all(rate > 0 for rate in values["updates_per_s"].values())
    assert all(taken > 1 for taken in values["memory_mb"].values())
    if cores() > 1:
        alone = {name for name in values["updates_per_s"] if name.endswith("1 thread")}
        assert values["in_flight_per_s"].keys() == alone
        assert all(rate > 0 for rate in values["in_flight_per_s"].values())


def test_one_that_cannot_be_used_has_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    write_tiny_model(folder)
    for network in ("vision", "sound"):
        (folder / f"{network}.int8.onnx").write_bytes((folder / f"{network}.onnx").read_bytes())
    (folder / "vision.int8.onnx").write_bytes(b"no graph")
    assert main(["--model", str(folder), "--seconds", "0.01"]) == 1
    printed = capsys.readouterr().out
    assert "| openvino/int8, 1 thread | cannot be used: " in printed
    assert "| engines that are here | all can be used | " in printed
    assert "| openvino/fp32, 1 thread | " in printed
    (folder / "vision.onnx").unlink()
    with pytest.raises(BenchmarkError, match="no engine runs the model in"):
        main(["--model", str(folder), "--seconds", "0.01"])
