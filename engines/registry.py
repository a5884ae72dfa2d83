"""Which engines there are, and how one is opened."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from engines.errors import EngineError, one_line
from engines.model import PRECISIONS, graph_path, read_spec, resolve_precision, whole_network
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork
from engines.protocol import Engine, Network
from engines.watching import During, unwatched


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One way to run a network."""

    module: str  # defines open_network(NetworkRequest) -> Engine
    runtimes: tuple[str, ...]  # the packages of which it needs one, the preferred first
    install: str  # the command that brings such a package
    needs_gpu: bool = False
    reads_weights: bool = False  # not a graph: its precisions are its own
    needs_server: bool = False  # it is named with an address: "remote=HOST:8001"
    precisions: tuple[str, ...] = ("fp32", "fp16", "int8")  # that it can compute in
    provider: str = ""  # of ONNX Runtime, for another than the processor's
    is_slow_to_open: bool = False  # it compiles at every start, and keeps nothing
    caches: bool = False  # steps with a cache take it less time than whole windows


BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "onnxruntime": Backend(
            module="engines.backends.onnxruntime",
            runtimes=("onnxruntime",),
            install="pip install onnxruntime",
            precisions=PRECISIONS,
            caches=True,
        ),
        "openvino": Backend(
            module="engines.backends.openvino",
            runtimes=("openvino",),
            install="pip install openvino",
            caches=True,
        ),
        "torch": Backend(
            module="engines.backends.torch",
            runtimes=("torch",),
            install="pip install torch",
            precisions=("fp32",),
            caches=True,
        ),
        "torch_cuda": Backend(
            module="engines.backends.torch_cuda",
            runtimes=("torch",),
            install="pip install torch cuda-bindings",
            needs_gpu=True,
            reads_weights=True,
            precisions=("fp32", "fp16"),
        ),
        "torch_compile": Backend(
            module="engines.backends.torch_compile",
            runtimes=("torch",),
            install="pip install torch",
            reads_weights=True,
            precisions=("fp32", "fp16"),
            is_slow_to_open=True,
        ),
        "tensorrt": Backend(
            module="engines.backends.tensorrt",
            runtimes=("tensorrt", "tensorrt_rtx"),
            install="pip install tensorrt-rtx cuda-bindings",
            needs_gpu=True,
            precisions=PRECISIONS,
        ),
        "torch_tensorrt": Backend(
            module="engines.backends.torch_tensorrt",
            runtimes=("torch_tensorrt",),
            install="pip install torch-tensorrt cuda-bindings",
            needs_gpu=True,
            reads_weights=True,
            precisions=("fp32", "fp16"),
        ),
        "onnxruntime_cuda": Backend(
            module="engines.backends.onnxruntime",
            runtimes=("onnxruntime",),
            install="pip uninstall -y onnxruntime && pip install onnxruntime-gpu cuda-bindings",
            needs_gpu=True,
            precisions=("fp32", "fp16"),
            provider="CUDAExecutionProvider",
        ),
        "onnxruntime_tensorrt": Backend(
            module="engines.backends.onnxruntime",
            runtimes=("onnxruntime",),
            install="pip uninstall -y onnxruntime && pip install onnxruntime-gpu cuda-bindings",
            needs_gpu=True,
            provider="TensorrtExecutionProvider",
        ),
        "onnxruntime_coreml": Backend(
            module="engines.backends.onnxruntime",
            runtimes=("onnxruntime",),
            install="pip install onnxruntime, on a Mac",
            precisions=("fp32", "fp16"),
            provider="CoreMLExecutionProvider",
        ),
        "remote": Backend(
            module="engines.backends.remote",
            runtimes=("tritonclient",),
            install="pip install 'tritonclient[grpc]'",
            needs_server=True,
        ),
    }
)


def backend_of(engine: str) -> Backend | None:
    """What is registered under an engine's name, with or without an address."""
    return BACKENDS.get(engine.partition("=")[0])


def installed_runtime(backend: str) -> str | None:
    """The package that ``backend`` would run in, or None; nothing is imported."""
    runtimes = BACKENDS[backend].runtimes
    return next((name for name in runtimes if importlib.util.find_spec(name)), None)


def is_installed(backend: str) -> bool:
    """Whether a package that ``backend`` can run in is there; nothing is imported."""
    return installed_runtime(backend) is not None


def open_engine(
    model_dir: Path,
    network: Network,
    backend: str,
    precision: str,
    threads: int,
    *,
    grid: tuple[int, int] | None = None,
    newest: int | None = None,
    is_portable: bool = False,
    during: During = unwatched,
) -> Engine:
    """Compile and warm up one network of a model.

    Args:
        model_dir: the model's folder.
        network: which of its networks; ``step`` is the sound network on the next few columns,
            with what it remembers (``engines.cached_steps``), ``stretch`` one that streams, for
            ``STRETCH_COLUMNS`` at once. Where a model has the graph
            ``window``, that is opened for the whole windows of ``sound``.
        backend: a name in ``BACKENDS``, with ``=HOST:PORT`` for one that needs a server; what
            ``auto`` means is decided by ``engines.auto``.
        precision: ``auto``, ``fp32``, or one that the model has a graph for.
        threads: CPU threads the network may use, at least 1.
        grid: rows and columns of cells that the visual network shall see; a square's unless told.
        newest: how many columns of a window the sound network shall give, the newest; all unless
            told. Fewer take less work. A ``step`` gives the first of these, as many as it is given;
            what is new unless told. A network that streams has no window, and gives what is new.
        is_portable: compile for other GPUs as well, where the engine can (``tensorrt``).
        during: entered around each step of the opened engine, and around its parts.

    Raises:
        EngineError: backend or precision is unknown or not there, or the model is unusable.
    """
    name, _, address = backend.partition("=")
    entry = BACKENDS.get(name)
    if entry is None:
        raise EngineError(f"unknown engine {backend!r}; there are {', '.join(BACKENDS)}")
    if threads < 1:
        raise EngineError(f"an engine needs at least 1 thread, got {threads = }")
    spec = read_spec(model_dir)
    if newest is not None and not 1 <= newest <= spec.audio.columns:
        raise EngineError(f"a window has no {newest} columns to give")
    if not is_installed(name):
        raise EngineError(f"engine {name} is not installed; run: {entry.install}")
    is_streaming = network in ("sound", "stretch") and spec.sound.is_streaming
    if newest in (None, spec.audio.columns) and not entry.needs_server:
        network = whole_network(model_dir, network, precision)
    graph = graph_path(model_dir, network, "fp32" if entry.reads_weights else precision)
    if (wanted := resolve_precision(precision)) not in entry.precisions:
        known = " or ".join(entry.precisions)
        raise EngineError(f"engine {name} computes in {known} only, not {wanted}")
    if network == "step" and not entry.caches:
        able = ", ".join(other for other, one in BACKENDS.items() if one.caches)
        raise EngineError(f"engine {name} runs no steps with a cache; use one of {able}")
    request = NetworkRequest(
        folder=model_dir,
        network=network,
        spec=spec,
        graph=graph,
        precision=wanted,
        threads=threads,
        grid=grid or (spec.vision.grid, spec.vision.grid),
        newest=None if network in ("vision", "window") or is_streaming else newest,
        address=address,
        provider=entry.provider,
        is_portable=is_portable,
    )
    if network == "step" and newest is not None:
        steps = request.steps
        if not steps.step <= newest <= steps.newest:
            raise EngineError(
                f"a step begins {steps.step} to {steps.newest} columns before the newest, not "
                f"{newest}"
            )
    try:
        module = importlib.import_module(entry.module)
    except Exception as error:
        raise EngineError(
            f"engine {name} is installed but does not load ({error}); run: {entry.install}"
        ) from error
    try:
        engine: OpenedNetwork = module.open_network(request)
    except EngineError:
        raise
    except Exception as error:  # a runtime's own: one that fails leaves the others be
        raise EngineError(
            f"engine {name} does not open {network} in {wanted}: {one_line(error)}"
        ) from error
    engine.watch(during)
    return engine
