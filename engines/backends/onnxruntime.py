"""ONNX Runtime on the CPU: runs everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import onnxruntime as ort
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.protocol import FloatArray, TensorSpec, checked_inputs, warm_up


def open_network(request: NetworkRequest) -> OnnxRuntimeEngine:
    """Compile and warm up one network.

    Raises:
        EngineError: the graph is unusable.
    """
    check_graph(request.graph, request.inputs, request.outputs)
    engine = OnnxRuntimeEngine(request)
    warm_up(engine)
    return engine


class OnnxRuntimeEngine:
    """One ONNX Runtime session; see ``engines.protocol.Engine``."""

    def __init__(self, request: NetworkRequest) -> None:
        self.name = f"onnxruntime/{request.precision}"
        self.inputs: tuple[TensorSpec, ...] = request.inputs
        self.outputs: tuple[TensorSpec, ...] = request.outputs
        options = ort.SessionOptions()
        options.intra_op_num_threads = request.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; they come as exceptions as well
        options.add_free_dimension_override_by_name("batch", 1)
        # Idle threads would otherwise spin, and take the cores from the other network.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: ort.InferenceSession | None = ort.InferenceSession(
                request.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's errors share no narrower base
            raise EngineError(f"ONNX Runtime cannot open {request.graph}: {error}") from error

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """See ``Engine.infer``; ONNX Runtime allocates the results of every call anew."""
        if self._session is None:
            raise EngineError(f"{self.name} is closed")
        arrays = checked_inputs(inputs, self.inputs)
        names = [spec.name for spec in self.outputs]
        try:
            results = self._session.run(names, arrays)
        except Exception as error:  # as above
            raise EngineError(f"{self.name} failed: {error}") from error
        return dict(zip(names, results, strict=True))

    def close(self) -> None:
        """See ``Engine.close``."""
        self._session = None

    def __enter__(self) -> OnnxRuntimeEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
