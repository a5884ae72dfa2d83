"""PyTorch's compiler on the processor: it says what the network says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import parity
from engines.errors import EngineError
from engines.protocol import Network
from engines.registry import open_engine
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model


@pytest.mark.parametrize(("network", "newest"), [("vision", None), ("sound", None), ("sound", 6)])
def test_it_says_what_the_network_says(
    tiny_model: Path, network: Network, newest: int | None
) -> None:
    with (
        open_engine(tiny_model, network, "torch", "fp32", 1, newest=newest) as reference,
        open_engine(tiny_model, network, "torch_compile", "fp32", 1, newest=newest) as engine,
    ):
        assert engine.name == "torch_compile/fp32"
        (spec,) = engine.inputs
        for seed in range(2):
            drawn = np.random.default_rng(seed).random(spec.shape, np.float32)
            (expected,) = reference.infer({spec.name: drawn}).values()
            (found,) = engine.infer({spec.name: drawn}).values()
            assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_it_runs_ears_that_stream(tmp_path: Path) -> None:
    write_tiny_model(tmp_path, tiny_streaming_spec())
    given = parity.inputs(tiny_streaming_spec(), "sound", (4, 4), 2)
    with (
        open_engine(tmp_path, "sound", "torch", "fp32", 1) as reference,
        open_engine(tmp_path, "sound", "torch_compile", "fp32", 1) as engine,
    ):
        assert [spec.name for spec in engine.outputs] == ["sound", "next_state"]
        assert parity.error(reference, engine, given) <= parity.TOLERANCE["fp32"]


def test_sixteen_bits_are_for_a_gpu(tiny_model: Path) -> None:
    with pytest.raises(EngineError, match=r"no fp16 graph|torch_compile has no fp16 on a CPU"):
        open_engine(tiny_model, "sound", "torch_compile", "fp16", 1)
