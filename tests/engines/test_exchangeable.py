"""Another engine takes over between two calls, and what a network remembers goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.exchangeable import Exchangeable
from engines.protocol import Engine
from engines.registry import is_installed, open_engine
from engines.remembering import Remembering
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

pytestmark = pytest.mark.skipif(not is_installed("openvino"), reason="there is one engine alone")


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


def sound(model: Path, backend: str) -> Engine:
    return open_engine(model, "sound", backend, "fp32", 1)


def is_closed(engine: Engine) -> bool:
    try:
        engine.infer({one.name: np.zeros(one.shape, np.float32) for one in engine.inputs})
    except EngineError as error:
        return "is closed" in str(error)
    return False


def test_what_is_remembered_goes_on_in_another_engine(streaming: Path) -> None:
    columns = np.random.default_rng(0).standard_normal((12, 1, 1, 64, 2)).astype(np.float32)
    lookaheads = tiny_streaming_spec().sound.lookaheads
    with sound(streaming, "onnxruntime") as alone:
        network = Remembering(alone, lookaheads)
        wanted = [network.step(new) for new in columns]
    first, second = sound(streaming, "onnxruntime"), sound(streaming, "openvino")
    with Exchangeable(first) as engine:
        network = Remembering(engine, lookaheads)
        found = [network.step(new) for new in columns[:5]]
        engine.exchange(second)
        assert engine.name == "onnxruntime/fp32"  # until the next call
        found += [network.step(new) for new in columns[5:]]
        assert engine.name == "openvino/fp32"
        assert is_closed(first)
    assert is_closed(second)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * max(np.abs(other).max(), 1.0))


class Keeping:
    """An engine that keeps what it remembers on its device: it gives no state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.inputs, self.outputs = engine.name, engine.inputs, engine.outputs
        self._state = np.zeros(engine.inputs[2].shape, np.float32)

    def infer(self, inputs, into=None):
        answers = self._engine.infer({"state": self._state, **inputs})
        self._state = answers.pop("next_state")
        return answers

    def close(self) -> None:
        self._engine.close()


def test_what_only_the_one_before_knew_begins_anew(streaming: Path) -> None:
    columns = np.random.default_rng(0).standard_normal((6, 1, 1, 64, 2)).astype(np.float32)
    lookaheads = tiny_streaming_spec().sound.lookaheads
    with Exchangeable(Keeping(sound(streaming, "onnxruntime"))) as engine:
        network = Remembering(engine, lookaheads)
        for new in columns[:3]:
            network.step(new)
        engine.exchange(sound(streaming, "openvino"))
        found = [network.step(new) for new in columns[3:]]
    with sound(streaming, "onnxruntime") as alone:
        network = Remembering(alone, lookaheads)
        wanted = [network.step(new) for new in columns[3:]]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4 * max(np.abs(other).max(), 1.0))


def test_none_is_left_open(streaming: Path) -> None:
    made = [sound(streaming, "onnxruntime") for _ in range(4)]
    engine = Exchangeable(made[0])
    engine.exchange(made[1])
    engine.exchange(made[2])  # the one that never came to answer
    assert is_closed(made[1])
    engine.close()
    engine.exchange(made[3])  # too late
    assert all(is_closed(one) for one in made)
