"""Which TensorRT is taken, and how it is told to build, shown with packages that build nothing."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from engines.__main__ import main
from engines.errors import EngineError
from engines.tensorrt_plan import PlanOptions, build_plan, package
from tests.engines.test_tensorrt_engine import request_for
from tests.fakes.tiny_model import tiny_spec


def classic(version: str) -> ModuleType:
    found = ModuleType("tensorrt")
    found.__spec__ = importlib.machinery.ModuleSpec("tensorrt", None)
    found.__version__ = version  # type: ignore[attr-defined]
    return found


def test_one_that_is_too_old_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", classic("8.6.1"))
    with pytest.raises(EngineError, match=r"TensorRT 8\.6\.1 is too old, needed is 10\.0 or newer"):
        package()
    monkeypatch.setitem(sys.modules, "tensorrt", classic("10.3.0"))
    assert package().__version__ == "10.3.0"


class Config:
    """What a builder was told."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.hardware_compatibility_level: str | None = None

    def set_flag(self, flag: str) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.flags.discard(flag)

    def set_memory_pool_limit(self, _pool: str, _size: int) -> None:
        pass

    def create_timing_cache(self, known: bytes) -> SimpleNamespace:
        return SimpleNamespace(serialize=lambda: known + b" and more")

    def set_timing_cache(self, cache: SimpleNamespace, ignore_mismatch: bool) -> None:
        self.get_timing_cache = lambda: cache

    def add_optimization_profile(self, _profile: object) -> None:
        pass


def builder(config: Config) -> SimpleNamespace:
    profile = SimpleNamespace(set_shape=lambda *_: None)
    return SimpleNamespace(
        create_network=lambda _flags: object(),
        create_builder_config=lambda: config,
        create_optimization_profile=lambda: profile,
        build_serialized_network=lambda _network, _config: b"plan",
    )


@pytest.mark.parametrize("is_portable", [False, True])
def test_the_classic_package_builds_for_other_gpus_if_told(
    tiny_model: Path, is_portable: bool
) -> None:
    config = Config()
    trt: Any = classic("10.3.0")
    trt.ILogger = type("ILogger", (), {"ERROR": 1, "INTERNAL_ERROR": 0})
    trt.Builder = lambda _log: builder(config)
    trt.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    trt.OnnxParser = lambda _network, _log: SimpleNamespace(parse=lambda _content: True)
    trt.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    trt.BuilderFlag = SimpleNamespace(TF32="tf32", VERSION_COMPATIBLE="version compatible")
    trt.HardwareCompatibilityLevel = SimpleNamespace(AMPERE_PLUS="ampere plus")
    request = request_for(tiny_model, tiny_spec())
    plan, timings = build_plan(trt, request, PlanOptions(is_portable=is_portable), b"known")
    assert (plan, timings) == (b"plan", b"known and more")
    assert config.flags == ({"version compatible"} if is_portable else set())
    assert config.hardware_compatibility_level == ("ampere plus" if is_portable else None)


def test_without_it_nothing_is_built_for_others(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engines.__main__.installed_runtime", lambda _backend: "tensorrt_rtx")
    assert main(["build", "--portable", "--model", str(tiny_model)]) == 2
    assert "--portable needs a GPU and the classic package" in capsys.readouterr().err
