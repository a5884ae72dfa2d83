"""OpenVINO on the CPU: usually the fastest there."""

from __future__ import annotations

import numpy as np
import openvino as ov

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray


def open_network(request: NetworkRequest) -> OpenVinoEngine:
    """Compile and warm up one network.

    Raises:
        EngineError: the graph is unusable.
    """
    check_graph(request.graph, request.inputs, request.outputs)
    return warmed_up(OpenVinoEngine(request))


class OpenVinoEngine(OpenedNetwork):
    """One OpenVINO inference request, whose results are copied out of its own buffers."""

    def __init__(self, request: NetworkRequest) -> None:
        super().__init__("openvino", request)
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(request.threads),
            # The two networks run side by side; pinned, both would sit on the first cores.
            "ENABLE_CPU_PINNING": "NO",
        }
        if request.precision != "int8":
            # Left to itself it computes in bf16 where the CPU can: faster, but not what the graph
            # says. What a graph in int8 leaves in float was judged like that, and gains half of
            # its speed by it.
            settings["INFERENCE_PRECISION_HINT"] = "f32"
        try:
            core = ov.Core()
            graph = core.read_model(request.graph)
            graph.reshape({spec.name: ov.PartialShape(list(spec.shape)) for spec in self.inputs})
            compiled = core.compile_model(graph, "CPU", settings)
            self._request = compiled.create_infer_request()
        except Exception as error:  # the runtime's errors share no narrower base
            raise EngineError(f"OpenVINO cannot open {request.graph}: {error}") from error

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        self._request.infer(inputs, share_inputs=True)
        return {
            spec.name: np.array(self._request.get_tensor(spec.name).data, np.float32)
            for spec in self.outputs
        }

    def _release(self) -> None:
        del self._request
