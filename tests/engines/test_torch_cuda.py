"""PyTorch's captured step, on graphs that run on the processor: every input goes in, every time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines import parity
from engines.backends.torch_cuda import TorchCudaEngine
from engines.backends.torch_modules import module
from engines.networks import NetworkRequest
from engines.protocol import Network
from engines.registry import open_engine
from tests.engines.test_tensorrt_engine import SPEC as STREAMING
from tests.engines.test_tensorrt_engine import request_for
from tests.fakes import torch_graphs
from tests.fakes.tiny_model import tiny_spec, write_tiny_model


def captured(request: NetworkRequest, monkeypatch: pytest.MonkeyPatch) -> TorchCudaEngine:
    network = module(request)
    with monkeypatch.context() as patched:
        torch_graphs.install(patched)
        return TorchCudaEngine(request, network)


@pytest.mark.parametrize("network", ["vision", "sound"])
def test_it_says_what_the_processor_says(
    tiny_model: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = replace(request_for(tiny_model, tiny_spec()), network=network)
    given = parity.inputs(tiny_spec(), network, request.grid, 3)
    engine = captured(request, monkeypatch)
    with (
        monkeypatch.context() as patched,
        engine,
        open_engine(tiny_model, network, "onnxruntime", "fp32", 1) as reference,
    ):
        torch_graphs.install(patched)
        assert parity.error(reference, engine, given) <= parity.TOLERANCE["fp32"]


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_it_runs_ears_that_stream(
    tmp_path: Path, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_model(tmp_path, STREAMING)
    request = replace(request_for(tmp_path), precision=precision)
    given = parity.inputs(STREAMING, "sound", request.grid, 2)
    engine = captured(request, monkeypatch)
    with (
        monkeypatch.context() as patched,
        engine,
        open_engine(tmp_path, "sound", "onnxruntime", "fp32", 1) as reference,
    ):
        torch_graphs.install(patched)
        found = parity.error(reference, engine, given)
        zeros = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs}
        assert list(engine.infer(zeros)) == ["sound", "next_state"]
    assert found <= parity.TOLERANCE[precision]
