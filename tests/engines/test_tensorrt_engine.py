"""TensorRT's engine on bindings that run on the processor: what is copied, and what stays there."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engines import cuda, survey
from engines.backends import tensorrt
from engines.backends.tensorrt import TensorRtEngine
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.registry import open_engine
from engines.remembering import Remembering
from engines.tensorrt_plan import PlanOptions
from engines.upgrade import Upgrading
from pixelplayer.spec import ModelSpec
from tests.fakes.cuda_runtime import CudaRuntime, FakeTensorRt
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

SPEC = tiny_streaming_spec()
LOOKAHEADS = SPEC.sound.lookaheads


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, SPEC)
    return folder


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> CudaRuntime:
    runtime = CudaRuntime()
    monkeypatch.setattr(cuda, "_runtime", lambda: runtime)
    return runtime


def request_for(folder: Path, spec: ModelSpec = SPEC) -> NetworkRequest:
    return NetworkRequest(
        folder=folder,
        network="sound",
        spec=spec,
        graph=folder / "sound.onnx",
        precision="fp32",
        threads=1,
        grid=(4, 4),
    )


def as_in(runtime: CudaRuntime, folder: Path) -> FakeTensorRt:
    """Computes what ONNX Runtime does."""
    request = request_for(folder)
    real = open_engine(folder, "sound", "onnxruntime", "fp32", 1)
    shapes = {spec.name: spec.shape for spec in (*request.inputs, *request.outputs)}
    return FakeTensorRt(runtime, real.infer, shapes)


def opened(runtime: CudaRuntime, folder: Path) -> TensorRtEngine:
    return TensorRtEngine(as_in(runtime, folder), b"plan", request_for(folder), PlanOptions())


def heard(seed: int, columns: int = 2) -> np.ndarray:
    shape = (1, 1, SPEC.audio.frequency_bins, columns)
    return np.random.default_rng(seed).uniform(-16, 3, shape).astype(np.float32)


def test_what_is_remembered_stays_on_the_device(runtime: CudaRuntime, folder: Path) -> None:
    state_bytes = 4 * SPEC.sound.state
    with (
        opened(runtime, folder) as engine,
        open_engine(folder, "sound", "onnxruntime", "fp32", 1) as real,
    ):
        here, there = Remembering(real, LOOKAHEADS), Remembering(engine, LOOKAHEADS)
        for seed in range(3):
            runtime.copies.clear()
            np.testing.assert_array_equal(there.step(heard(seed)), here.step(heard(seed)))
            assert (("up", state_bytes) in runtime.copies) == (seed == 0)
            assert ("over", state_bytes) in runtime.copies
            assert ("down", state_bytes) not in runtime.copies
        there.reset()
        here.reset()
        np.testing.assert_array_equal(there.step(heard(9)), here.step(heard(9)))


def test_it_takes_over_what_another_engine_remembers(runtime: CudaRuntime, folder: Path) -> None:
    whole = heard(1, 24)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as real:
        wanted = Remembering(real, LOOKAHEADS).whole(whole)
    ready = open_engine(folder, "sound", "onnxruntime", "fp32", 1)
    with Upgrading(ready, lambda: opened(runtime, folder)) as engine:
        network = Remembering(engine, LOOKAHEADS)
        said = []
        for number, one in enumerate(np.split(np.pad(whole, ((0, 0),) * 3 + ((0, 4),)), 14, 3)):
            if number == 5:
                engine._builder.join(30)
            said.append(network.step(np.ascontiguousarray(one)))
        assert engine.name == "tensorrt/fp32"
    late = max(LOOKAHEADS)
    found = np.concatenate(said, axis=3)[..., late:20]
    np.testing.assert_allclose(found, wanted[..., : 20 - late], atol=1e-5)


def test_an_engine_that_is_short_of_memory_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = CudaRuntime(memory_bytes=1000)
    monkeypatch.setattr(cuda, "_runtime", lambda: runtime)
    with pytest.raises(EngineError, match="the GPU is out of memory; close other programs"):
        opened(runtime, folder)


def test_what_is_missing_is_told(runtime: CudaRuntime, folder: Path) -> None:
    with opened(runtime, folder) as engine:
        zeros = {spec.name: np.zeros(spec.shape, np.float32) for spec in engine.inputs}
        assert list(engine.infer(zeros)) == ["sound"]
        del zeros["state"]
        assert list(engine.infer(zeros)) == ["sound"]
        del zeros["lookahead"]
        with pytest.raises(EngineError, match="takes inputs"):
            engine.infer(zeros)


@pytest.mark.parametrize("is_portable", [False, True])
def test_a_portable_plan_may_bring_code_of_its_own(
    runtime: CudaRuntime, folder: Path, is_portable: bool
) -> None:
    """Of the runtime that it was built for: else a later one refuses it."""
    trt = as_in(runtime, folder)
    options = PlanOptions(is_portable=is_portable)
    TensorRtEngine(trt, b"plan", request_for(folder), options).close()
    assert trt.runtimes[0].engine_host_code_allowed is is_portable


def test_a_portable_plan_serves_other_gpus(
    runtime: CudaRuntime, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    trt = as_in(runtime, folder)
    built: list[bool] = []

    def build(_trt: object, _request: object, options: PlanOptions, _timings: bytes) -> object:
        built.append(options.is_portable)
        return b"plan", b""

    monkeypatch.setattr(tensorrt, "package", lambda: trt)
    monkeypatch.setattr(tensorrt, "build_plan", build)
    open_engine(folder, "sound", "tensorrt", "fp32", 1, is_portable=True).close()
    other = cuda.Device(name="Another GPU", capability="9.0", memory_bytes=1)
    monkeypatch.setattr(cuda, "device", lambda: other)
    open_engine(folder, "sound", "tensorrt", "fp32", 1).close()
    assert built == [True]
    trt.__version__ = "11.0"
    open_engine(folder, "sound", "tensorrt", "fp32", 1).close()
    assert built == [True, False]


@pytest.mark.parametrize(("capability", "may"), [("8.6", False), ("8.9", True), ("12.0", True)])
def test_eight_bit_floats_are_for_gpus_that_have_them(
    own_model: Path, monkeypatch: pytest.MonkeyPatch, capability: str, may: bool
) -> None:
    folder = own_model
    for network in ("vision", "sound"):
        shutil.copy(folder / f"{network}.onnx", folder / f"{network}.fp8.onnx")
    gpu = cuda.Device(name="Some GPU", capability=capability, memory_bytes=1)
    monkeypatch.setattr(cuda, "device", lambda: gpu)

    def nothing() -> None:
        raise EngineError("no package")

    monkeypatch.setattr(tensorrt, "package", nothing)
    told = "no package" if may else r"8\.6\) has no fp8, which begins with 8\.9; use"
    with pytest.raises(EngineError, match=told):
        open_engine(folder, "sound", "tensorrt", "fp8", 1)
    usable = [survey.Found(backend="tensorrt", runtime="tensorrt 11")]
    monkeypatch.setattr(survey, "backends", lambda: usable)
    offered = [case.name for case in survey.cases(folder)]
    assert offered == ["tensorrt/fp32", *(["tensorrt/fp8"] if may else [])]


def test_all_of_it_opens_and_is_kept(
    runtime: CudaRuntime, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    trt = as_in(runtime, folder)
    monkeypatch.setattr(tensorrt, "package", lambda: trt)
    monkeypatch.setattr(tensorrt, "build_plan", lambda *_: (b"plan", b"timings"))
    with open_engine(folder, "sound", "tensorrt", "fp32", 1) as engine:
        assert engine.name == "tensorrt/fp32"
    (kept,) = tensorrt.Store().entries()
    assert kept.facts["parity"] <= 1e-6
    assert kept.facts["ms"] > 0
    assert kept.key.device == "Fake GPU"
