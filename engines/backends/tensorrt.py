"""TensorRT on an NVIDIA GPU: the classic package, as on Jetson, or TensorRT for RTX.

A plan is taken from the store, or built and kept there. Copies and work are put onto the network's
own stream, as one captured CUDA graph where the plan allows it: a step is then one launch. The two
networks of a run have a stream each and overlap.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import numpy as np

from engines import cuda
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.store import EngineKey, Store, graph_sha256
from engines.tensorrt_plan import PlanOptions, build_plan, package


def open_network(request: NetworkRequest) -> TensorRtEngine:
    """Load or build a plan, and warm it up.

    Raises:
        EngineError: there is no GPU or no TensorRT, the graph is unusable, or memory is short.
    """
    gpu = cuda.device()  # before anything of TensorRT: it may not survive without
    trt = package()
    check_graph(request.graph, request.inputs, request.outputs)
    return warmed_up(TensorRtEngine(trt, gpu, request, Store()))


def key_for(trt: Any, gpu: cuda.Device, request: NetworkRequest, options: PlanOptions) -> EngineKey:
    """What the plan for a request is kept as."""
    return EngineKey(
        graph_sha256=graph_sha256(request.graph),
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

    def __init__(
        self,
        trt: Any,
        gpu: cuda.Device,
        request: NetworkRequest,
        store: Store,
        options: PlanOptions | None = None,
    ) -> None:
        super().__init__("tensorrt", request)
        self._trt = trt
        self._resources = ExitStack()
        self._log = trt.Logger(trt.Logger.ERROR)
        engine = self._engine(gpu, request, store, options or PlanOptions())
        self._context = engine.create_execution_context()
        if self._context is None:
            raise EngineError("the GPU is out of memory for TensorRT; close other programs")
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

    def _engine(
        self, gpu: cuda.Device, request: NetworkRequest, store: Store, options: PlanOptions
    ) -> Any:
        """The plan, loaded: from the store, else built. One that does not load is built again."""
        key = key_for(self._trt, gpu, request, options)
        runtime = self._trt.Runtime(self._log)
        with store.building(key):
            plan = store.load(key)
            engine = runtime.deserialize_cuda_engine(plan) if plan else None
            if engine is None:
                began = time.perf_counter()
                plan, _ = build_plan(self._trt, request.graph, request.inputs, options)
                store.keep(key, plan, time.perf_counter() - began, {})
                engine = runtime.deserialize_cuda_engine(plan)
        self.remarks = tuple(store.remarks)
        if engine is None:
            raise EngineError(
                f"{self.name}: the plan that was just built does not load on {gpu.name}; "
                "see python -m engines doctor"
            )
        return engine

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
