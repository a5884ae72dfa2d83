"""TensorRT on an NVIDIA GPU: the classic package, as on Jetson, or TensorRT for RTX.

A plan is taken from the store, or built, held against the reference and kept there. Copies and
work are put onto the network's own stream, as one captured CUDA graph where the plan allows it: a
step is then one launch. What a network remembers stays on the device from step to step. The two
networks of a run have a stream each and overlap.
"""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import ExitStack
from typing import Any

import numpy as np

from engines import cuda
from engines.acceptance import accepted
from engines.backends import onnxruntime
from engines.errors import EngineError
from engines.networks import NEXT_STATE, STATE, NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.store import EngineKey, Store
from engines.tensorrt_plan import CLASSIC, PlanOptions, build_plan, package, version
from engines.watching import BIND, COPY, RUN

_log = logging.getLogger(__name__)


def open_network(request: NetworkRequest) -> TensorRtEngine:
    """Load or build a plan, and warm it up.

    Raises:
        EngineError: there is no GPU or no TensorRT, the graph is unusable, memory is short, or a
            new plan does not say what the reference says.
    """
    gpu = cuda.device()  # before anything of TensorRT: it may not survive without
    if request.precision == "fp8" and not gpu.has_float8:
        raise EngineError(
            f"{gpu.name} (compute capability {gpu.capability}) has no fp8, which begins with 8.9; "
            "use --precision fp16"
        )
    trt = package()
    check_graph(request.graph, request.inputs, request.outputs)
    store = Store()
    own, portable = PlanOptions(), PlanOptions(is_portable=True)
    options = portable if request.is_portable and trt.__name__ == CLASSIC else own
    key, own_key = (key_for(trt, gpu, request, one) for one in (options, own))
    with store.building(key):
        # One that was built for all GPUs is slower, and better than minutes of building.
        for kind in (options,) if options == portable else (own, portable):
            plan = store.load(key_for(trt, gpu, request, kind))
            if plan is not None:
                try:
                    return warmed_up(TensorRtEngine(trt, plan, request, kind))
                except EngineError as error:
                    store.remarks.append(f"{error}; it is built again")
        began = time.perf_counter()
        plan, timings = build_plan(trt, request, options, store.timings(own_key))
        build_s = time.perf_counter() - began
        engine = warmed_up(TensorRtEngine(trt, plan, request, options))
        facts = accepted(engine, request, onnxruntime.open_network)
        store.keep(key, plan, build_s, facts)
        store.keep_timings(own_key, timings)
    for remark in store.remarks:
        _log.warning(remark)
    return engine


def key_for(trt: Any, gpu: cuda.Device, request: NetworkRequest, options: PlanOptions) -> EngineKey:
    """What the plan for a request is kept as; a portable one is of no GPU and no minor version."""
    is_portable = options.is_portable
    return EngineKey(
        graph_sha256=hashlib.sha256(request.content()).hexdigest(),
        runtime=trt.__name__,
        runtime_version=str(version(trt)[0]) if is_portable else trt.__version__,
        device="any NVIDIA GPU from Ampere on" if is_portable else gpu.name,
        capability="" if is_portable else gpu.capability,
        precision=request.precision,
        shapes={spec.name: spec.shape for spec in request.inputs},
        options={"workspace_mb": options.workspace_mb, "is_portable": is_portable},
    )


class TensorRtEngine(OpenedNetwork):
    """One plan with its execution context, stream and buffers."""

    def __init__(
        self, trt: Any, plan: bytes, request: NetworkRequest, options: PlanOptions
    ) -> None:
        super().__init__("tensorrt", request)
        self._kept = frozenset({STATE}.intersection(spec.name for spec in self.inputs))
        self._resources = ExitStack()
        self._logger = trt.Logger(trt.Logger.ERROR)  # of which TensorRT keeps but an address
        self._runtime = trt.Runtime(self._logger)
        if options.is_portable:  # such a plan brings the code of the runtime that it was built for
            self._runtime.engine_host_code_allowed = True
        engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(f"{self.name}: the plan is not for this GPU or this TensorRT")
        self._context = engine.create_execution_context()
        if self._context is None:
            raise EngineError("the GPU has no memory left for TensorRT; close other programs")
        try:
            self._stream = cuda.Stream()
            self._resources.callback(self._stream.close)
            self._buffers: dict[str, cuda.Buffer] = {}
            for spec in (*self.inputs, *self.outputs):
                buffer = cuda.Buffer(spec.shape, spec.dtype)
                self._resources.callback(buffer.close)
                self._buffers[spec.name] = buffer
                self._context.set_tensor_address(spec.name, buffer.address)
            for spec in self.inputs:
                self._context.set_input_shape(spec.name, spec.shape)
            self._launch()  # the first run may allocate, which cannot be captured
            self._stream.wait()
            self._is_captured = self._stream.capture(self._launch)
        except BaseException:
            self._resources.close()
            raise

    def _launch(self) -> None:
        """Copy in, compute, copy out: put onto the stream, not waited for."""
        for spec in self.inputs:
            if spec.name not in self._kept:
                self._stream.upload(self._buffers[spec.name])
        if not self._context.execute_async_v3(self._stream.handle):
            raise EngineError(f"{self.name}: TensorRT does not run the plan")
        for spec in self.outputs:
            if not self._kept or spec.name != NEXT_STATE:
                self._stream.download(self._buffers[spec.name])
        if self._kept:
            self._stream.copy(self._buffers[NEXT_STATE], self._buffers[STATE])

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        with self._during(BIND):
            for name, array in inputs.items():
                np.copyto(self._buffers[name].host, array)
            for name in self._kept.intersection(inputs):  # told to go on from another
                self._stream.upload(self._buffers[name])
        with self._during(RUN):
            if self._is_captured:
                self._stream.replay()
            else:
                self._launch()
            self._stream.wait()
        told = [spec.name for spec in self.outputs if spec.name != NEXT_STATE]
        with self._during(COPY):
            return {name: self._buffers[name].host.copy() for name in told}

    def _release(self) -> None:
        del self._context
        self._resources.close()
