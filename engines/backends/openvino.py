"""OpenVINO on the CPU: usually the fastest there."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.protocol import FloatArray, TensorSpec, checked_inputs, warm_up


def open_network(request: NetworkRequest) -> OpenVinoEngine:
    """Compile and warm up one network.

    Raises:
        EngineError: the graph is unusable.
    """
    check_graph(request.graph, request.inputs, request.outputs)
    engine = OpenVinoEngine(request)
    warm_up(engine)
    return engine


class OpenVinoEngine:
    """One OpenVINO inference request; see ``engines.protocol.Engine``."""

    def __init__(self, request: NetworkRequest) -> None:
        self.name = f"openvino/{request.precision}"
        self.inputs: tuple[TensorSpec, ...] = request.inputs
        self.outputs: tuple[TensorSpec, ...] = request.outputs
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(request.threads),
            # Left to itself it computes in bf16 where the CPU can: faster, but not what the
            # graph says.
            "INFERENCE_PRECISION_HINT": "f32",
            # The two networks run side by side; pinned, both would sit on the first cores.
            "ENABLE_CPU_PINNING": "NO",
        }
        try:
            core = ov.Core()
            graph = core.read_model(request.graph)
            graph.reshape({spec.name: ov.PartialShape(list(spec.shape)) for spec in self.inputs})
            compiled = core.compile_model(graph, "CPU", settings)
            self._request: ov.InferRequest | None = compiled.create_infer_request()
        except Exception as error:  # the runtime's errors share no narrower base
            raise EngineError(f"OpenVINO cannot open {request.graph}: {error}") from error

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """See ``Engine.infer``; results are copied out of the request's own buffers."""
        if self._request is None:
            raise EngineError(f"{self.name} is closed")
        arrays = checked_inputs(inputs, self.inputs)
        try:
            self._request.infer(arrays, share_inputs=True)
            return {
                spec.name: np.array(self._request.get_tensor(spec.name).data, np.float32)
                for spec in self.outputs
            }
        except Exception as error:  # as above
            raise EngineError(f"{self.name} failed: {error}") from error

    def close(self) -> None:
        """See ``Engine.close``."""
        self._request = None

    def __enter__(self) -> OpenVinoEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
