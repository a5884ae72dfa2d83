"""The networks as modules: exported whole, in both precisions, they say what the engine says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.backends.torch_modules import example, module, results
from engines.errors import EngineError
from engines.protocol import Network
from engines.registry import open_engine
from tests.engines.test_tensorrt_plan import request_for
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("network", "newest"), [("vision", None), ("sound", None), ("sound", 6)])
def test_exported_they_say_the_same(
    tiny_model: Path, network: Network, newest: int | None, precision: str
) -> None:
    request = replace(request_for(tiny_model, network, "fp32", newest), precision=precision)
    exported = torch.export.export(module(request), example(request)).module()
    low, high = (0, 1) if network == "vision" else (-16, 4)
    (spec,) = request.inputs
    given = np.random.default_rng(0).uniform(low, high, spec.shape).astype(np.float32)
    with torch.inference_mode():
        found = exported(torch.from_numpy(given)).numpy()
    with open_engine(
        tiny_model, network, "onnxruntime", "fp32", 1, grid=request.grid, newest=newest
    ) as engine:
        (wanted,) = engine.infer({spec.name: given}).values()
    assert found.dtype == np.float32
    bound = 1e-5 if precision == "fp32" else 2e-3
    assert np.abs(found - wanted).max() <= bound * np.abs(wanted).max()


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_ears_that_stream_take_and_give_several(tmp_path: Path, precision: str) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    request = replace(request_for(tmp_path, "sound", "fp32"), precision=precision)
    like = example(request)
    assert [tuple(one.shape) for one in like] == [spec.shape for spec in request.inputs]
    exported = torch.export.export(module(request), like).module()
    rng = np.random.default_rng(0)
    given = {
        spec.name: rng.uniform(-1, 1, spec.shape).astype(np.float32) for spec in request.inputs
    }
    with torch.inference_mode():
        found = results(exported(*(torch.from_numpy(array) for array in given.values())))
    with open_engine(tmp_path, "sound", "onnxruntime", "fp32", 1) as engine:
        wanted = engine.infer(given)
    bound = 1e-5 if precision == "fp32" else 2e-3
    for array, one in zip(wanted.values(), found, strict=True):
        difference = np.abs(one.numpy() - array).max() / np.abs(array).max()
        assert (difference > 1e-6) == (precision == "fp16")
        assert difference <= bound


def test_eight_bits_are_a_graphs(tiny_model: Path) -> None:
    request = replace(request_for(tiny_model, "sound", "fp32"), precision="int8")
    with pytest.raises(EngineError, match="torch has no int8 of this model"):
        module(request)
