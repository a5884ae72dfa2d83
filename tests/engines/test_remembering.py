"""Networks that stream, in engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import parity
from engines.registry import is_installed, open_engine
from engines.remembering import Remembering
from pixelplayer.spec import FRAME_COLUMNS, STRETCH_COLUMNS
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

HERE = [name for name in ("onnxruntime", "openvino") if is_installed(name)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


@pytest.mark.parametrize("backend", HERE)
def test_every_engine_says_what_torch_says(folder: Path, backend: str) -> None:
    spec = tiny_streaming_spec()
    given = parity.inputs(spec, "sound", (4, 4), 3)
    with (
        open_engine(folder, "sound", "torch", "fp32", 1) as reference,
        open_engine(folder, "sound", backend, "fp32", 1) as engine,
    ):
        assert parity.error(reference, engine, given) < parity.TOLERANCE["fp32"]


def test_it_begins_anew_when_told(folder: Path) -> None:
    rng = np.random.default_rng(0)
    new = rng.standard_normal((1, 1, 64, 2)).astype(np.float32)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        network = Remembering(engine, tiny_streaming_spec().sound.lookaheads)
        first = network.step(new)
        assert not np.array_equal(network.step(new), first)
        network.reset()
        np.testing.assert_array_equal(network.step(new), first)


def test_columns_of_a_window_are_not_asked_for(folder: Path) -> None:
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1, newest=6) as engine:
        assert engine.outputs[0].shape == (1, 4, 64, 2)


@pytest.mark.parametrize("backend", HERE)
def test_many_columns_at_once_are_heard_as_step_by_step(folder: Path, backend: str) -> None:
    lookaheads = tiny_streaming_spec().sound.lookaheads
    heard = np.random.default_rng(0).uniform(-16, 3, (1, 1, 64, 6 * STRETCH_COLUMNS))
    heard = heard.astype(np.float32)
    with (
        open_engine(folder, "sound", backend, "fp32", 1) as steps,
        open_engine(folder, "stretch", backend, "fp32", 1) as stretches,
    ):
        small, large = (Remembering(engine, lookaheads) for engine in (steps, stretches))
        assert (small.columns, large.columns) == (FRAME_COLUMNS, STRETCH_COLUMNS)
        assert small.frame == large.frame == FRAME_COLUMNS
        for ahead in lookaheads:
            small.look_ahead(ahead)
            large.look_ahead(ahead)
            wanted = small.whole(heard)
            np.testing.assert_allclose(
                large.whole(heard), wanted, atol=1e-4 * float(np.abs(wanted).max())
            )
