"""TensorRT on an NVIDIA GPU: the classic package, as on Jetson, or TensorRT for RTX.

A plan is taken from the store, or built, held against the reference and kept there. Copies and
work are put onto the network's own stream, as one captured CUDA graph where the plan allows it: a
step is then one launch. The two networks of a run have a stream each and overlap.
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
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.store import EngineKey, Store
from engines.tensorrt_plan import PlanOptions, build_plan, package

_log = logging.getLogger(__name__)


def open_network(request: NetworkRequest) -> TensorRtEngine:
    """Load or build a plan, and warm it up.

    Raises:
        EngineError: there is no GPU or no TensorRT, the graph is unusable, memory is short, or a
            new plan does not say what the reference says.
    """
    gpu = cuda.device()  # before anything of TensorRT: it may not survive without
    trt = package()
    check_graph(request.graph, request.inputs, request.outputs)
    store = Store()
    key = key_for(trt, gpu, request, PlanOptions())
    with store.building(key):
        plan = store.load(key)
        if plan is not None:
            try:
                return warmed_up(TensorRtEngine(trt, plan, request))
            except EngineError as error:
                store.remarks.append(f"{error}; it is built again")
        began = time.perf_counter()
        known = store.timings(key)
        plan, timings = build_plan(trt, request, PlanOptions(), known)
        build_s = time.perf_counter() - began
        engine = warmed_up(TensorRtEngine(trt, plan, request))
        facts = accepted(engine, request, onnxruntime.open_network)
        store.keep(key, plan, build_s, facts)
        store.keep_timings(key, timings)
    for remark in store.remarks:
        _log.warning(remark)
    return engine


def key_for(trt: Any, gpu: cuda.Device, request: NetworkRequest, options: PlanOptions) -> EngineKey:
    """What the plan for a request is kept as."""
    return EngineKey(
        graph_sha256=hashlib.sha256(request.content()).hexdigest(),
        runtime=trt.__name__,
        runtime_version=trt.__version__,
        device=gpu.name,
        capability=gpu.capability,
        precision=request.precision,
        shapes={spec.name: spec.shape for spec in request.inputs},
        options={"workspace_mb": options.workspace_mb, "is_portable": options.is_portable},
    )


class TensorRtEngine(OpenedNetwork):
    """One plan with its execution context, stream and buffers."""

    def __init__(self, trt: Any, plan: bytes, request: NetworkRequest) -> None:
        super().__init__("tensorrt", request)
        self._resources = ExitStack()
        self._logger = trt.Logger(trt.Logger.ERROR)  # of which TensorRT keeps but an address
        self._runtime = trt.Runtime(self._logger)
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
            self._stream.upload(self._buffers[spec.name])
        if not self._context.execute_async_v3(self._stream.handle):
            raise EngineError(f"{self.name}: TensorRT does not run the plan")
        for spec in self.outputs:
            self._stream.download(self._buffers[spec.name])

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        for name, array in inputs.items():
            np.copyto(self._buffers[name].host, array)
        if self._is_captured:
            self._stream.replay()
        else:
            self._launch()
        self._stream.wait()
        return {spec.name: self._buffers[spec.name].host.copy() for spec in self.outputs}

    def _release(self) -> None:
        del self._context
        self._resources.close()
