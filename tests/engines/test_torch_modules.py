"""The networks as modules: exported whole, in both precisions, they say what the engine says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engines.backends.torch_modules import example, module
from engines.errors import EngineError
from engines.protocol import Network
from engines.registry import open_engine
from tests.engines.test_tensorrt_plan import request_for


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
    bound = 1e-5 if precision == "fp32" else 4e-3
    assert np.abs(found - wanted).max() <= bound * np.abs(wanted).max()


def test_eight_bits_are_a_graphs(tiny_model: Path) -> None:
    request = replace(request_for(tiny_model, "sound", "fp32"), precision="int8")
    with pytest.raises(EngineError, match="torch has no int8 of this model"):
        module(request)
