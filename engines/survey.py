"""What engines there are on this machine, what the model has for them, and what was kept."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

from engines import cuda
from engines.errors import EngineError
from engines.model import PRECISIONS, read_spec
from engines.registry import BACKENDS, installed_runtime
from engines.versions import installed_version

_TENSORRT = "TensorrtExecutionProvider"  # which ONNX Runtime names with and without the library


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One backend. ``problem`` is why it cannot be used here, ``mend`` the command that helps."""

    backend: str
    runtime: str  # its package and version; "" where there is none
    problem: str = ""
    mend: str = ""


def backends() -> list[Found]:
    """All of them, in the order of the registry."""
    return [_backend(name) for name in BACKENDS]


def precisions(folder: Path) -> list[str]:
    """Those that a model has graphs of both networks for."""
    names = {one: f".{one}" if one != "fp32" else "" for one in PRECISIONS}
    return [
        one
        for one, suffix in names.items()
        if all((folder / f"{network}{suffix}.onnx").exists() for network in ("vision", "sound"))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One engine that might run here."""

    backend: str
    precision: str

    @property
    def name(self) -> str:
        """As users are shown it."""
        return f"{self.backend}/{self.precision}"


def cases(folder: Path) -> Iterator[Case]:
    """Every backend that can be used here in every precision that it and the model have.

    Without those that would compile for minutes and keep nothing.

    Raises:
        EngineError: ``folder`` holds no model.
    """
    read_spec(folder)
    for found in backends():
        entry = BACKENDS[found.backend]
        if found.problem or entry.is_slow_to_open:
            continue
        for precision in precisions(folder):
            is_lacking = precision == "fp8" and entry.needs_gpu and not cuda.device().has_float8
            if precision in entry.precisions and not is_lacking:
                yield Case(backend=found.backend, precision=precision)


def _backend(name: str) -> Found:
    entry = BACKENDS[name]
    runtime = installed_runtime(name)
    if runtime is None:
        return Found(backend=name, runtime="", problem="not installed", mend=entry.install)
    if entry.needs_gpu:  # before it is imported: without one some packages do not survive that
        try:
            gpu = cuda.device()
        except EngineError as error:
            label = f"{runtime} {installed_version(runtime)}"
            return Found(backend=name, runtime=label, problem=str(error))
    try:
        package = importlib.import_module(runtime)
    except Exception as error:  # noqa: BLE001  several packages raise what they like
        reason = f"does not load: {' '.join(str(error).split())}"
        return Found(backend=name, runtime=runtime, problem=reason, mend=entry.install)
    label = f"{runtime} {installed_version(runtime)}"
    problem = mend = ""
    if entry.provider and entry.provider not in package.get_available_providers():
        problem, mend = f"has no {entry.provider}", entry.install
    elif entry.provider == _TENSORRT and not _has_tensorrt():
        problem, mend = "finds no TensorRT", "pip install tensorrt"
    elif entry.needs_server:
        problem = f"asked for by --engine {name} --server HOST:8001"
    elif entry.needs_gpu and entry.reads_weights and (problem := _torch_without_cuda()):
        pass
    elif entry.needs_gpu:
        label = f"{label} on {gpu.name} ({gpu.capability})"
    return Found(backend=name, runtime=label, problem=problem, mend=mend)


def _torch_without_cuda() -> str:
    """Why torch, which is there, computes nothing on the GPU; "" where it does."""
    import torch  # a second, and only where there is a GPU

    if torch.cuda.is_available():
        return ""
    return f"torch {torch.__version__} is built without CUDA; install it from pytorch.org"


def _has_tensorrt() -> bool:
    """Whether the classic package's library is there: the system's, or Python's own."""
    return bool(find_library("nvinfer") or importlib.util.find_spec("tensorrt_libs"))
