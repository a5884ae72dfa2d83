"""The table of engines: all that run here are in it, and the baseline is torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.engines import cases, main
from benchmarks.model_engines import cores
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
    if cores() > 1:
        alone = {name for name in values["updates_per_s"] if name.endswith("1 thread")}
        assert values["in_flight_per_s"].keys() == alone
        assert all(rate > 0 for rate in values["in_flight_per_s"].values())
