"""A better engine takes over between two calls, and nobody notices."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.protocol import Engine
from engines.registry import open_engine
from engines.upgrade import Upgrading


def sound(model: Path, backend: str) -> Engine:
    return open_engine(model, "sound", backend, "fp32", 1)


def window(engine: Engine) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {s.name: rng.uniform(-16, 4, s.shape).astype(np.float32) for s in engine.inputs}


def settled(engine: Upgrading) -> None:
    for _ in range(600):
        if engine.is_settled:
            return
        engine.infer(window(engine))
        time.sleep(0.01)
    raise AssertionError("the better engine never took over")


def test_it_answers_at_once_and_better_later(tiny_model: Path) -> None:
    may_build = threading.Event()

    def better() -> Engine:
        may_build.wait(30)
        return sound(tiny_model, "openvino")

    ready = sound(tiny_model, "onnxruntime")
    with Upgrading(ready, better) as engine:
        (first,) = engine.infer(window(engine)).values()
        assert engine.name == "onnxruntime/fp32"
        assert not engine.is_settled
        may_build.set()
        settled(engine)
        assert engine.name == "openvino/fp32"
        (second,) = engine.infer(window(engine)).values()
        np.testing.assert_allclose(second, first, atol=1e-4 * np.abs(first).max())
        with pytest.raises(EngineError, match="is closed"):
            ready.infer(window(engine))
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(window(engine))


def test_one_that_cannot_be_had_changes_nothing(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def better() -> Engine:
        raise EngineError("the GPU is out of memory")

    with Upgrading(sound(tiny_model, "onnxruntime"), better) as engine:
        settled(engine)
        assert engine.name == "onnxruntime/fp32"
    assert "onnxruntime/fp32 goes on: the GPU is out of memory" in caplog.text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("CUDA error: out of memory\nsome advice"), "CUDA error: out of memory"),
        (ImportError(), "ImportError"),
    ],
)
def test_a_library_s_own_error_is_a_line(
    tiny_model: Path, caplog: pytest.LogCaptureFixture, error: Exception, told: str
) -> None:
    def better() -> Engine:
        raise error

    with Upgrading(sound(tiny_model, "onnxruntime"), better) as engine:
        settled(engine)
    assert f"onnxruntime/fp32 goes on: {told}" in caplog.messages


def test_a_build_that_ends_after_the_run_is_released(tiny_model: Path) -> None:
    may_build = threading.Event()
    built: list[Engine] = []

    def better() -> Engine:
        may_build.wait(30)
        built.append(sound(tiny_model, "openvino"))
        return built[0]

    engine = Upgrading(sound(tiny_model, "onnxruntime"), better)
    engine.close()
    may_build.set()
    engine._builder.join(30)
    with pytest.raises(EngineError, match="is closed"):
        built[0].infer(window(built[0]))
