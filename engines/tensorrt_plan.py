"""From an ONNX graph to a TensorRT plan: parsing and building, which need no GPU.

The classic package (10.x, as on JetPack 6 and 7, and 11.x) and TensorRT for RTX have this part of
their interface in common. Networks are strongly typed: a tensor's precision is what the graph
says, so fp16 and int8 are graphs of their own (``calibration``) and the flags and calibrators that
TensorRT 11 no longer has are not needed.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any

from engines.errors import EngineError
from engines.networks import NetworkRequest

CLASSIC = "tensorrt"
PACKAGES = (CLASSIC, "tensorrt_rtx")  # the first that is there is taken
OLDEST = (10, 0)  # of the classic package: named tensors, strongly typed networks


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """How a plan is built; part of what it is known by."""

    workspace_mb: int = 1024  # scratch memory that a tactic may use
    # Runs on any GPU from Ampere on and in any later runtime, and slower. Plans for RTX are
    # finished on the GPU that they meet, and need it not.
    is_portable: bool = False


def package() -> Any:
    """The TensorRT package that is installed; importing it does not touch a GPU.

    Raises:
        EngineError: there is none, it does not load, or it is too old.
    """
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            continue
        try:
            found = importlib.import_module(name)
        except (ImportError, OSError) as error:
            raise EngineError(
                f"{name} is installed but does not load ({error}); see docs/jetson.md"
            ) from error
        if name == CLASSIC and version(found) < OLDEST:
            raise EngineError(
                f"TensorRT {found.__version__} is too old, needed is "
                f"{'.'.join(map(str, OLDEST))} or newer; see docs/jetson.md"
            )
        return found
    raise EngineError("TensorRT is not installed; run: pip install tensorrt-rtx")


def version(trt: Any) -> tuple[int, ...]:
    """Major and minor number of a package."""
    return tuple(int(part) for part in trt.__version__.split(".")[:2])


def build_plan(
    trt: Any,
    request: NetworkRequest,
    options: PlanOptions,
    timings: bytes = b"",
) -> tuple[bytes, bytes]:
    """Compile one network's graph for the shapes of its inputs.

    Args:
        trt: the package, as ``package`` gives it.
        request: the network; what its graph leaves free is fixed to the inputs' shapes.
        options: how.
        timings: a timing cache of an earlier build on this machine, or nothing.

    Returns:
        The plan, and the timing cache; the latter empty where the package keeps none.

    Raises:
        EngineError: an operator is not supported (its name and its layer are told), or the build
            fails.
    """
    log = _log(trt)
    builder = trt.Builder(log)
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, log)
    graph = request.graph
    if not parser.parse(request.content()):
        raise EngineError(f"TensorRT {trt.__version__} cannot read {graph}: {_complaint(parser)}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mb << 20)
    config.clear_flag(trt.BuilderFlag.TF32)  # fp32 shall be that; who wants less takes fp16
    is_classic = trt.__name__ == CLASSIC
    if options.is_portable and is_classic:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    cache = config.create_timing_cache(timings) if is_classic else None
    if cache is not None:
        config.set_timing_cache(cache, ignore_mismatch=False)
    profile = builder.create_optimization_profile()
    for spec in request.inputs:
        profile.set_shape(spec.name, spec.shape, spec.shape, spec.shape)
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(
            f"TensorRT {trt.__version__} cannot build {graph}: {log.last or 'it does not say why'}"
        )
    kept = config.get_timing_cache() if cache is not None else None
    return bytes(plan), b"" if kept is None else bytes(kept.serialize())


def _complaint(parser: Any) -> str:
    """The first thing that a parser could not read, with its operator and layer."""
    if not parser.num_errors:
        return "it does not say why"
    error = parser.get_error(0)
    where = f"operator {error.node_operator()} at {error.node_name()!r}: "
    return f"{where if error.node_operator() else ''}{error.desc()}"


def _log(trt: Any) -> Any:
    """A logger that keeps the last error and writes nothing."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.last = ""

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.last = message.strip()

    return Log()
