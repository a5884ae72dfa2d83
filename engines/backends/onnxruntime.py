"""ONNX Runtime on the CPU: runs everywhere."""

from __future__ import annotations

import onnxruntime as ort

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray


def open_network(request: NetworkRequest) -> OnnxRuntimeEngine:
    """Compile and warm up one network.

    Raises:
        EngineError: the graph is unusable.
    """
    check_graph(request.graph, request.inputs, request.outputs)
    return warmed_up(OnnxRuntimeEngine(request))


class OnnxRuntimeEngine(OpenedNetwork):
    """One ONNX Runtime session, which allocates the results of every call anew."""

    def __init__(self, request: NetworkRequest) -> None:
        super().__init__("onnxruntime", request)
        options = ort.SessionOptions()
        options.intra_op_num_threads = request.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they come as exceptions as well
        options.add_free_dimension_override_by_name("batch", 1)
        for name, size in zip(("height", "width"), request.inputs[0].shape[2:], strict=True):
            options.add_free_dimension_override_by_name(name, size)
        # Idle threads would otherwise spin, and take the cores from the other network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(
                request.content(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's errors share no narrower base
            raise EngineError(f"ONNX Runtime cannot open {request.graph}: {error}") from error

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        names = [spec.name for spec in self.outputs]
        return dict(zip(names, self._session.run(names, inputs), strict=True))

    def _release(self) -> None:
        del self._session
