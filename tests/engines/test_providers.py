"""ONNX Runtime's other providers: which is asked for, and what is said where it is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest

from engines import cuda, survey
from engines.backends import onnxruntime as backend
from engines.errors import EngineError
from engines.registry import BACKENDS, open_engine
from engines.store import Store

PROVIDERS = {name: entry.provider for name, entry in BACKENDS.items() if entry.provider}
GPU = cuda.Device(name="Some GPU", capability="8.9", memory_bytes=1 << 33)


class Session:
    """A session on the processor that says which provider it was asked for."""

    asked: list[Any]
    starts = True

    def __init__(self, content: bytes, options: ort.SessionOptions, providers: list[Any]) -> None:
        self._real = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._own = [providers[0][0]] if self.starts else []
        self.asked.append(providers)

    def get_providers(self) -> list[str]:
        return [*self._own, "CPUExecutionProvider"]

    def run(self, *arguments: Any) -> Any:
        return self._real.run(*arguments)


@pytest.fixture
def all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    class Runtime:
        __version__ = ort.__version__
        SessionOptions = ort.SessionOptions

        class InferenceSession(Session):
            asked: list[Any] = []  # noqa: RUF012

        @staticmethod
        def get_available_providers() -> list[str]:
            return [*PROVIDERS.values(), "CPUExecutionProvider"]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(backend, "ort", Runtime)
    monkeypatch.setattr(cuda, "device", lambda: GPU)
    return Runtime.InferenceSession


def test_three_are_known() -> None:
    assert sorted(PROVIDERS) == ["onnxruntime_coreml", "onnxruntime_cuda", "onnxruntime_tensorrt"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_is_asked_for_and_held_against_the_processor(
    name: str, tiny_model: Path, all_there: type[Session]
) -> None:
    with open_engine(tiny_model, "sound", name, "fp32", 1) as engine:
        assert engine.name == f"{name}/fp32"
    asked = [providers[0] for providers in all_there.asked]
    assert [provider for provider, _ in asked] == [PROVIDERS[name], "CPUExecutionProvider"]
    assert dict(asked[0][1]).get("use_tf32") == ("0" if name == "onnxruntime_cuda" else None)
    (kept,) = Store().entries()
    assert kept.key.options["provider"] == PROVIDERS[name]
    assert (kept.key.device == GPU.name) == BACKENDS[name].needs_gpu
    assert kept.facts["parity"] == 0


def test_tensorrt_keeps_what_it_builds(tiny_model: Path, all_there: type[Session]) -> None:
    """In a folder of its own for every engine, which goes when all is thrown away."""
    for network in ("vision", "sound"):
        open_engine(tiny_model, network, "onnxruntime_tensorrt", "fp32", 1).close()
    given = [dict(one[0][1]) for one in all_there.asked if one[0][0] == backend.TENSORRT]
    folders = {Path(one["trt_engine_cache_path"]) for one in given}
    assert len(folders) == 2
    assert all(folder.is_dir() for folder in folders)
    assert {one["trt_engine_cache_enable"] for one in given} == {"True"}
    assert {one["trt_timing_cache_enable"] for one in given} == {"True"}
    assert all("trt_engine_cache_path" not in one.key.options for one in Store().entries())
    assert Store().clean() == 2
    assert not any(folder.exists() for folder in folders)


def test_one_that_does_not_start_is_told(
    tiny_model: Path, all_there: type[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_there, "starts", False)
    with pytest.raises(EngineError, match="cannot start CUDAExecutionProvider: libraries"):
        open_engine(tiny_model, "sound", "onnxruntime_cuda", "fp32", 1)


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_that_is_not_there_names_the_command(
    name: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(cuda, "device", lambda: GPU)
    wanted = rf"has no {PROVIDERS[name]} \(it has CPU.*\); run: pip "
    with pytest.raises(EngineError, match=wanted):
        open_engine(tiny_model, "sound", name, "fp32", 1)
    (found,) = [one for one in survey.backends() if one.backend == name]
    assert found.problem == f"has no {PROVIDERS[name]}"
    assert ("onnxruntime-gpu" in found.mend) == BACKENDS[name].needs_gpu
