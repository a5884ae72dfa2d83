"""ONNX Runtime: on the processor, which runs everywhere, or through another of its providers.

In fp32 on the processor it is the reference that all engines are held against when they are new
(``engines.acceptance``). Whatever else it runs is held against that too, once; a manifest without
an engine remembers it.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import onnxruntime as ort

from engines import cuda
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.processor import processor
from engines.protocol import FloatArray
from engines.registry import BACKENDS
from engines.store import EngineKey, Store
from engines.unsupported import cannot_open

PROCESSOR = "CPUExecutionProvider"
CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"
_OPTIONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        PROCESSOR: {},
        CUDA: {"use_tf32": "0"},  # fp32 shall be that; who wants less takes fp16
        TENSORRT: {},
        "CoreMLExecutionProvider": {"ModelFormat": "MLProgram"},
    }
)
_log = logging.getLogger(__name__)


def open_network(request: NetworkRequest) -> OnnxRuntimeEngine:
    """Compile and warm up one network.

    Raises:
        EngineError: the graph is unusable, this ONNX Runtime has no such provider or cannot start
            it, or it does not say what the reference says.
    """
    _check_provider(request.provider)
    check_graph(request.graph, request.inputs, request.outputs)
    if not request.provider and request.precision in ("fp32", "int8"):
        return warmed_up(OnnxRuntimeEngine(request))  # it is what others are held against
    store, key = Store(), _key(request)
    with store.building(key):
        began = time.perf_counter()
        cache = store.own_cache(key) if request.provider == TENSORRT else None
        engine = warmed_up(OnnxRuntimeEngine(request, cache))
        if store.load(key) is None:
            from engines.acceptance import accepted  # a hundred milliseconds, and seldom needed

            build_s = time.perf_counter() - began
            store.keep(key, b"", build_s, accepted(engine, request, open_network))
    for remark in store.remarks:
        _log.warning(remark)
    return engine


class OnnxRuntimeEngine(OpenedNetwork):
    """One ONNX Runtime session, which allocates the results of every call anew.

    Args:
        request: what is opened.
        cache: where its TensorRT keeps what it builds, if anywhere.
    """

    def __init__(self, request: NetworkRequest, cache: Path | None = None) -> None:
        super().__init__(_backend(request.provider), request)
        options = ort.SessionOptions()
        options.intra_op_num_threads = request.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they come as exceptions as well
        options.add_free_dimension_override_by_name("batch", 1)
        for name, size in zip(("height", "width"), request.inputs[0].shape[2:], strict=True):
            options.add_free_dimension_override_by_name(name, size)
        if request.precision == "fp8":
            # ONNX Runtime 1.32 optimises such pairs further into another network.
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        # Idle threads would otherwise spin, and take the cores from the other network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider = request.provider or PROCESSOR
        given = {**_options(request, provider), **(_kept_in(cache) if cache else {})}
        try:
            self._session = ort.InferenceSession(
                request.content(), options, providers=[(provider, given)]
            )
        except Exception as error:  # the runtime's errors share no narrower base
            raise cannot_open("ONNX Runtime", request, error) from error
        if provider not in self._session.get_providers():  # it goes on without, and says nothing
            raise EngineError(
                f"ONNX Runtime {ort.__version__} cannot start {provider}: libraries that it needs "
                "are missing or of another version; see onnxruntime.ai/docs/execution-providers"
            )

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        names = [spec.name for spec in self.outputs]
        return dict(zip(names, self._session.run(names, inputs), strict=True))

    def _release(self) -> None:
        del self._session


def _backend(provider: str) -> str:
    """Its name among the engines."""
    return next(
        name
        for name, entry in BACKENDS.items()
        if entry.module == __name__ and entry.provider == provider
    )


def _check_provider(provider: str) -> None:
    there = ort.get_available_providers()
    if provider and provider not in there:
        raise EngineError(
            f"onnxruntime {ort.__version__} has no {provider} (it has {', '.join(there)}); "
            f"run: {BACKENDS[_backend(provider)].install}"
        )


def _options(request: NetworkRequest, provider: str) -> dict[str, str]:
    options = dict(_OPTIONS[provider])
    if provider == TENSORRT:
        options |= {f"trt_{one}_enable": str(request.precision == one) for one in ("fp16", "int8")}
    return options


def _kept_in(cache: Path) -> dict[str, str]:
    """TensorRT's plans and timings there; without, it builds for minutes at every start."""
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(cache),
    }


def _key(request: NetworkRequest) -> EngineKey:
    provider = request.provider or PROCESSOR
    gpu = cuda.device() if provider in (CUDA, TENSORRT) else None
    return EngineKey(
        graph_sha256=hashlib.sha256(request.content()).hexdigest(),
        runtime="onnxruntime",
        runtime_version=ort.__version__,
        device=gpu.name if gpu else processor(),
        capability=gpu.capability if gpu else "",
        precision=request.precision,
        shapes={spec.name: spec.shape for spec in request.inputs},
        options={"provider": provider, **_options(request, provider)},
    )
