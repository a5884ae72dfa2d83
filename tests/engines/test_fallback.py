"""An engine whose GPU fails gives way to one on the processor, and that is told in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines import cuda
from engines.backends.tensorrt import TensorRtEngine
from engines.errors import EngineError
from engines.fallback import FallingBack, open_or_fall_back
from engines.protocol import Engine
from engines.registry import open_engine
from engines.remembering import Remembering
from engines.tensorrt_plan import PlanOptions
from engines.upgrade import Upgrading
from tests.engines.test_tensorrt_engine import LOOKAHEADS, as_in, heard, request_for
from tests.engines.test_tensorrt_engine import SPEC as STREAMING
from tests.fakes.cuda_runtime import CudaRuntime
from tests.fakes.tiny_model import write_tiny_model

SHORT = "the GPU is out of memory; close other programs, or --engine auto"


def sound(model: Path) -> Engine:
    return open_engine(model, "sound", "onnxruntime", "fp32", 1)


def window(engine: Engine) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {s.name: rng.uniform(-16, 4, s.shape).astype(np.float32) for s in engine.inputs}


def test_one_that_cannot_be_had_is_replaced(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def first() -> Engine:
        raise EngineError(SHORT)

    with open_or_fall_back(first, lambda: sound(tiny_model)) as engine:
        assert engine.name == "onnxruntime/fp32"
    assert caplog.messages == [f"onnxruntime/fp32 runs instead: {SHORT}"]


def test_one_that_fails_later_gives_way_once(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = open_engine(tiny_model, "sound", "openvino", "fp32", 1)
    with open_or_fall_back(lambda: first, lambda: sound(tiny_model)) as engine:
        (before,) = engine.infer(window(engine)).values()
        first.close()  # so that it fails
        (after,) = engine.infer(window(engine)).values()
        np.testing.assert_allclose(after, before, atol=1e-4 * np.abs(before).max())
        assert engine.name == "onnxruntime/fp32"
        assert caplog.messages == ["onnxruntime/fp32 goes on: openvino/fp32 is closed"]
        engine._now.close()
        with pytest.raises(EngineError, match="onnxruntime/fp32 is closed"):
            engine.infer(window(engine))


def test_a_closed_one_opens_nothing(tiny_model: Path) -> None:
    engine = FallingBack(sound(tiny_model), lambda: sound(tiny_model))
    inputs = window(engine)
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(inputs)


def test_ears_begin_anew_when_a_gpu_fails_after_it_took_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_tiny_model(tmp_path, STREAMING)
    runtime = CudaRuntime()
    monkeypatch.setattr(cuda, "_runtime", lambda: runtime)
    trt, request = as_in(runtime, tmp_path), request_for(tmp_path)
    gpu = TensorRtEngine(trt, b"plan", request, PlanOptions())
    better = FallingBack(gpu, lambda: sound(tmp_path))
    with Upgrading(sound(tmp_path), lambda: better) as engine:
        engine._builder.join(30)
        network = Remembering(engine, LOOKAHEADS)
        network.step(heard(0))
        assert engine.name == "tensorrt/fp32"

        def fail(_inputs: object) -> dict[str, np.ndarray]:
            raise EngineError(SHORT)

        trt._compute = fail
        found = [network.step(heard(seed)) for seed in (1, 2)]
    with sound(tmp_path) as real:
        fresh = Remembering(real, LOOKAHEADS)
        for one, seed in zip(found, (1, 2), strict=True):
            np.testing.assert_array_equal(one, fresh.step(heard(seed)))
    assert caplog.messages == [f"onnxruntime/fp32 goes on: tensorrt/fp32 failed: {SHORT}"]
