"""TensorRT on a real GPU: what comes out, what is kept, and that two networks overlap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from engines import cuda, parity
from engines.backends.tensorrt import key_for
from engines.networks import NetworkRequest
from engines.protocol import Network
from engines.registry import open_engine
from engines.shipped import SHIPPED_MODEL
from engines.store import Store
from engines.tensorrt_plan import PlanOptions, package
from tests.engines.test_tensorrt_plan import request_for
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

pytestmark = pytest.mark.gpu


def wanted(network: Network) -> NetworkRequest:
    return request_for(SHIPPED_MODEL, network, "fp32")


def inputs(request: NetworkRequest) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    low, high = (0, 1) if request.network == "vision" else (-16, 4)
    first, *others = request.inputs
    drawn = {first.name: rng.uniform(low, high, first.shape).astype(np.float32)}
    return drawn | {spec.name: rng.random(spec.shape, np.float32) for spec in others}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize("network", ["vision", "sound"])
def test_it_says_what_torch_says(network: Network) -> None:
    request = wanted(network)
    with (
        open_engine(SHIPPED_MODEL, network, "torch", "fp32", 1, grid=request.grid) as reference,
        open_engine(SHIPPED_MODEL, network, "tensorrt", "fp32", 1, grid=request.grid) as engine,
    ):
        expected = reference.infer(inputs(request))
        for _ in range(3):
            for name, found in engine.infer(inputs(request)).items():
                most = 1e-4 * np.abs(expected[name]).max()
                assert np.abs(found - expected[name]).max() <= most


def test_what_is_remembered_stays_there(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    windows = parity.inputs(tiny_streaming_spec(), "sound", (4, 4), 3)
    with (
        open_engine(tmp_path, "sound", "torch", "fp32", 1) as reference,
        open_engine(tmp_path, "sound", "tensorrt", "fp32", 1) as engine,
    ):
        state = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs}
        assert list(engine.infer(state)) == ["sound"]
        # Each window begins anew: what was heard before it must be forgotten.
        assert parity.error(reference, engine, windows) <= 1e-4


def test_a_plan_is_built_once_and_mended_when_damaged() -> None:
    open_engine(SHIPPED_MODEL, "sound", "tensorrt", "fp32", 1).close()
    (kept,) = Store().entries()
    assert kept.facts["parity"] < 1e-4
    open_engine(SHIPPED_MODEL, "sound", "tensorrt", "fp32", 1).close()
    assert Store().entries() == [kept]
    key = key_for(package(), cuda.device(), wanted("sound"), PlanOptions())
    folder = Store().folder
    assert folder is not None
    (folder / key.digest / "engine.bin").write_bytes(b"no plan")
    open_engine(SHIPPED_MODEL, "sound", "tensorrt", "fp32", 1).close()
    assert Store().load(key) is not None


def test_two_networks_overlap() -> None:
    """Each on its own stream and thread: neither changes the other's numbers."""
    requests: dict[Network, NetworkRequest] = {name: wanted(name) for name in ("vision", "sound")}
    with ExitStack() as opened:
        engines = {
            name: opened.enter_context(
                open_engine(SHIPPED_MODEL, name, "tensorrt", "fp32", 1, grid=request.grid)
            )
            for name, request in requests.items()
        }
        alone = {name: engines[name].infer(inputs(requests[name])) for name in engines}

        def again(name: Network) -> bool:
            same = True
            for _ in range(200):
                for key, found in engines[name].infer(inputs(requests[name])).items():
                    same &= bool(np.array_equal(found, alone[name][key]))
            return same

        with ThreadPoolExecutor() as pool:
            assert all(pool.map(again, engines))
