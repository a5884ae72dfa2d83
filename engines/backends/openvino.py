"""OpenVINO on the CPU: usually the fastest there.

Compiling takes half a second for each network, loading what was compiled a tenth: compiled networks
go into the store.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino as ov

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import check_graph
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.store import EngineKey, Store
from engines.unsupported import cannot_open
from engines.watching import BIND, COPY, RUN

_log = logging.getLogger(__name__)


def open_network(request: NetworkRequest) -> OpenVinoEngine:
    """Load or compile one network, and warm it up.

    Raises:
        EngineError: the graph is unusable, or what was compiled does not say what it says.
    """
    check_graph(request.graph, request.inputs, request.outputs)
    store = Store()
    try:
        core = _core()
        key = _key(core, request)
    except RuntimeError as error:
        raise EngineError(f"OpenVINO does not start here: {error}") from error
    with store.building(key):
        engine = _loaded(core, request, key, store) or _compiled(core, request, key, store)
    for remark in store.remarks:
        _log.warning(remark)
    return engine


@functools.cache
def _core() -> ov.Core:
    """OpenVINO of this process, for as long as it runs.

    What it loads to compute gives the thread that loads it another stack for signals, and takes
    that stack's memory away when the last core goes, in whichever thread (OpenVINO 2026.4). The
    next signal for the first thread, as Ctrl-C is, would then end the process.
    """
    return ov.Core()


def _loaded(
    core: ov.Core, request: NetworkRequest, key: EngineKey, store: Store
) -> OpenVinoEngine | None:
    kept = store.load(key)
    if kept is None:
        return None
    try:
        compiled = core.import_model(kept, "CPU", _settings(request))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1]
        store.remarks.append(f"a kept engine does not load ({reason}); it is built again")
        return None
    return warmed_up(OpenVinoEngine(request, compiled))


def _compiled(
    core: ov.Core, request: NetworkRequest, key: EngineKey, store: Store
) -> OpenVinoEngine:
    """Held against ONNX Runtime, and kept.

    What that takes is imported here: a start from the store does without, and is quicker.
    """
    from engines.acceptance import accepted
    from engines.backends import onnxruntime

    began = time.perf_counter()
    try:
        graph = core.read_model(request.content())
        graph.reshape({spec.name: ov.PartialShape(list(spec.shape)) for spec in request.inputs})
        compiled = core.compile_model(graph, "CPU", _settings(request))
        content = compiled.export_model().getvalue()
    except Exception as error:  # the runtime's errors share no narrower base
        raise cannot_open("OpenVINO", request, error) from error
    build_s = time.perf_counter() - began
    engine = warmed_up(OpenVinoEngine(request, compiled))
    store.keep(key, content, build_s, accepted(engine, request, onnxruntime.open_network))
    return engine


def _key(core: ov.Core, request: NetworkRequest) -> EngineKey:
    return EngineKey(
        graph_sha256=hashlib.sha256(request.content()).hexdigest(),
        runtime="openvino",
        runtime_version=ov.__version__,
        device=core.get_property("CPU", "FULL_DEVICE_NAME"),
        capability=" ".join(sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))),
        precision=request.precision,
        shapes={spec.name: spec.shape for spec in request.inputs},
        options=dict(_settings(request)),
    )


def _settings(request: NetworkRequest) -> dict[str, str]:
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
    return settings


class OpenVinoEngine(OpenedNetwork):
    """One OpenVINO inference request between buffers of its own, which are bound to it once.

    Given arrays with every call, the runtime's Python half takes a tenth of the network's time.
    """

    def __init__(self, request: NetworkRequest, compiled: Any) -> None:
        super().__init__("openvino", request)
        self._request = compiled.create_infer_request()
        self._given = [np.zeros(spec.shape, np.float32) for spec in self.inputs]
        # By place: a network out of the store may have lost the graph's names.
        for place, given in enumerate(self._given):
            self._request.set_input_tensor(place, ov.Tensor(given, shared_memory=True))

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        return self._run_into(inputs, {})

    def _run_into(
        self, inputs: dict[str, FloatArray], into: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        with self._during(BIND):
            for given, array in zip(self._given, inputs.values(), strict=True):
                np.copyto(given, array)
        with self._during(RUN):
            self._request.infer(share_outputs=True)
        answers = {}
        with self._during(COPY):
            for place, spec in enumerate(self.outputs):
                answer = into.get(spec.name)
                answers[spec.name] = np.empty(spec.shape, np.float32) if answer is None else answer
                np.copyto(answers[spec.name], self._request.get_output_tensor(place).data)
        return answers

    def _release(self) -> None:
        del self._request
