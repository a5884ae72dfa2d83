"""A machine without a GPU is told so in one line, and nothing crashes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engines import cuda
from engines.errors import EngineError
from tests.fakes.cuda_runtime import CudaRuntime, Status

PROGRAM = """
import sys
from pathlib import Path
from engines.errors import EngineError
from engines.registry import open_engine
try:
    open_engine(Path(sys.argv[1]), "sound", "tensorrt", "auto", 1)
except EngineError as error:
    print(error)
"""


def has_gpu() -> bool:
    try:
        cuda.device()
    except EngineError:
        return False
    return True


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_tensorrt_says_so_and_does_not_crash(tiny_model: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tiny_model)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert "--engine auto runs on the CPU" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_missing_bindings_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(EngineError, match="run: pip install cuda-bindings"):
        cuda.device()


@pytest.mark.parametrize(
    ("count", "driver", "told"),
    [
        ((Status.cudaErrorInsufficientDriver, 0), 0, "no NVIDIA driver is installed"),
        ((Status.cudaErrorInsufficientDriver, 0), 11040, "is for CUDA 11.4, older than"),
        ((Status.cudaErrorNoDevice, 0), 13000, r"no CUDA device \(cudaErrorNoDevice\)"),
        ((Status.cudaSuccess, 0), 13000, "no CUDA device"),
    ],
)
def test_what_is_wrong_with_the_driver_is_told(
    count: tuple[Status, int], driver: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda, "_runtime", lambda: CudaRuntime(count=count, driver=driver))
    with pytest.raises(EngineError, match=told):
        cuda.device()


def test_memory_that_is_short_is_told() -> None:
    class Error:
        value, name = 2, "cudaErrorMemoryAllocation"

    with pytest.raises(EngineError, match="out of memory; close other programs"):
        cuda._done((Error(),))
    Error.name = "cudaErrorIllegalAddress"
    with pytest.raises(EngineError, match="CUDA: cudaErrorIllegalAddress"):
        cuda._done((Error(),))
