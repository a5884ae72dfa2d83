"""TensorRT on a real GPU: what comes out, what is kept, and that two networks overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import cuda
from engines.backends.tensorrt import TensorRtEngine, key_for
from engines.networks import NetworkRequest
from engines.protocol import Network
from engines.registry import open_engine
from engines.store import Store
from engines.tensorrt_plan import PlanOptions, package
from realtime.options import SHIPPED_MODEL
from tests.engines.test_tensorrt_plan import request_for

pytestmark = pytest.mark.gpu


def wanted(network: Network) -> NetworkRequest:
    return request_for(SHIPPED_MODEL, network, "fp32")


def inputs(request: NetworkRequest) -> dict[str, np.ndarray]:
    (spec,) = request.inputs
    low, high = (0, 1) if spec.name == "picture" else (-16, 4)
    drawn = np.random.default_rng(1).uniform(low, high, spec.shape)
    return {spec.name: drawn.astype(np.float32)}


@pytest.mark.parametrize("network", ["vision", "sound"])
def test_it_says_what_torch_says(network: Network, tmp_path: Path) -> None:
    request = wanted(network)
    with open_engine(SHIPPED_MODEL, network, "torch", "fp32", 1, grid=request.grid) as reference:
        (expected,) = reference.infer(inputs(request)).values()
    engine = TensorRtEngine(package(), cuda.device(), request, Store(tmp_path))
    with engine:
        for _ in range(3):
            (found,) = engine.infer(inputs(request)).values()
            assert np.abs(found - expected).max() <= 2e-3 * np.abs(expected).max()


def test_a_plan_is_built_once_and_mended_when_damaged(tmp_path: Path) -> None:
    request, store = wanted("sound"), Store(tmp_path)
    TensorRtEngine(package(), cuda.device(), request, store).close()
    (kept,) = store.entries()
    again = Store(tmp_path)
    TensorRtEngine(package(), cuda.device(), request, again).close()
    assert again.entries() == [kept]
    key = key_for(package(), cuda.device(), request, PlanOptions())
    (tmp_path / key.digest / "engine.bin").write_bytes(b"no plan")
    mended = Store(tmp_path)
    TensorRtEngine(package(), cuda.device(), request, mended).close()
    assert "built again" in mended.remarks[0]
    assert mended.load(key) is not None
