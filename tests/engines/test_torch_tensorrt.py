"""Torch-TensorRT, which is not there: what torch raises while it builds becomes a line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from engines import cuda
from engines.errors import EngineError
from tests.engines.test_tensorrt_engine import request_for
from tests.fakes.tiny_model import tiny_spec


def test_what_torch_raises_is_told_in_a_line(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = ModuleType("torch_tensorrt")
    package.__version__ = "2.13"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch_tensorrt", package)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    gpu = cuda.Device(name="Some GPU", capability="8.9", memory_bytes=1 << 33)
    monkeypatch.setattr(cuda, "device", lambda: gpu)

    def full(_module: torch.nn.Module) -> torch.nn.Module:
        raise RuntimeError("CUDA error: out of memory\nsome advice")

    monkeypatch.setattr(torch.nn.Module, "cuda", full)
    monkeypatch.delitem(sys.modules, "engines.backends.torch_tensorrt", raising=False)
    backend = importlib.import_module("engines.backends.torch_tensorrt")
    try:
        with pytest.raises(EngineError, match=r"cannot compile .*: CUDA error: out of memory; use"):
            backend.open_network(request_for(tiny_model, tiny_spec()))
    finally:
        sys.modules.pop("engines.backends.torch_tensorrt", None)
