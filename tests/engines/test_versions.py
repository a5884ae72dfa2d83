"""Versions of what is installed, whatever its distribution is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engines import cuda, survey
from engines.versions import installed_version

GPU = cuda.Device(name="Some GPU", capability="8.9", memory_bytes=1 << 33)


def test_a_module_of_the_same_name() -> None:
    assert installed_version("numpy") == np.__version__


def test_a_distribution_of_another_name_as_onnxruntime_gpu(tmp_path: Path) -> None:
    (tmp_path / "sometime").mkdir()
    (tmp_path / "sometime" / "__init__.py").write_text("")
    facts = tmp_path / "sometime_gpu-1.2.3.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: sometime-gpu\nVersion: 1.2.3\n")
    (facts / "top_level.txt").write_text("sometime\n")
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import engines.versions as v; print(v.installed_version('sometime'))",
        ],
        env={"PYTHONPATH": f"{Path.cwd()}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "1.2.3"


def test_one_that_is_of_no_distribution() -> None:
    assert installed_version("run_live_of_nobody") == "of unknown version"


def test_a_provider_whose_library_is_missing_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime as ort

    monkeypatch.setattr(cuda, "device", lambda: GPU)
    there = ["TensorrtExecutionProvider", "CUDAExecutionProvider"]  # as every GPU build says
    monkeypatch.setattr(ort, "get_available_providers", lambda: there)
    monkeypatch.setattr(survey, "find_library", lambda _name: None)
    found = {one.backend: one for one in survey.backends()}
    assert found["onnxruntime_tensorrt"].problem == "finds no TensorRT"
    assert found["onnxruntime_tensorrt"].mend == "pip install tensorrt"
    assert not found["onnxruntime_cuda"].problem
    monkeypatch.setattr(survey, "find_library", lambda _name: "libnvinfer.so.10")
    found = {one.backend: one for one in survey.backends()}
    assert not found["onnxruntime_tensorrt"].problem
