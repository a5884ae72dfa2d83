"""PyTorch on a real GPU, captured: what comes out, and that two networks do not meet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

from engines import parity
from engines.parity import TOLERANCE
from engines.protocol import Engine, Network
from engines.registry import open_engine
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]
NETWORKS: tuple[Network, ...] = ("vision", "sound")


def given(engine: Engine, seed: int) -> dict[str, np.ndarray]:
    (spec,) = engine.inputs
    low, high = (0, 1) if spec.name == "picture" else (-16, 4)
    drawn = np.random.default_rng(seed).uniform(low, high, spec.shape)
    return {spec.name: drawn.astype(np.float32)}


def found(engine: Engine, seed: int) -> np.ndarray:
    (result,) = engine.infer(given(engine, seed)).values()
    return result


@pytest.mark.parametrize("backend", ["torch_cuda", "torch_compile"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("network", "newest"), [("vision", None), ("sound", None), ("sound", 6)])
def test_it_says_what_the_processor_says(
    tiny_model: Path, backend: str, network: Network, newest: int | None, precision: str
) -> None:
    bound = TOLERANCE[precision]
    with (
        open_engine(tiny_model, network, "torch", "fp32", 1, newest=newest) as reference,
        open_engine(tiny_model, network, backend, precision, 1, newest=newest) as engine,
    ):
        for seed in range(3):  # the captured step reads its input anew
            expected = found(reference, seed)
            assert np.abs(found(engine, seed) - expected).max() <= bound * np.abs(expected).max()


@pytest.mark.parametrize("backend", ["torch_cuda", "torch_compile"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_ears_that_stream_say_what_the_processor_says(
    tmp_path: Path, backend: str, precision: str
) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    windows = parity.inputs(tiny_streaming_spec(), "sound", (4, 4), 3)
    with (
        open_engine(tmp_path, "sound", "torch", "fp32", 1) as reference,
        open_engine(tmp_path, "sound", backend, precision, 1) as engine,
    ):
        assert parity.error(reference, engine, windows) <= TOLERANCE[precision]


def test_two_networks_at_once_say_what_they_say_alone(tiny_model: Path) -> None:
    with ExitStack() as opened:
        engines = [
            opened.enter_context(open_engine(tiny_model, name, "torch_cuda", "fp32", 1))
            for name in NETWORKS
        ]
        alone = [[found(engine, seed) for seed in range(4)] for engine in engines]

        def again(number: int) -> bool:
            wanted = alone[number]
            return all(
                np.allclose(found(engines[number], turn % 4), wanted[turn % 4], rtol=0, atol=1e-5)
                for turn in range(200)
            )

        with ThreadPoolExecutor() as pool:
            assert all(pool.map(again, range(len(engines))))
