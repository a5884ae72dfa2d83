"""Torch-TensorRT: the torch module, exported, with TensorRT inside, on an NVIDIA GPU.

Precision is the module's own (torch_tensorrt 2.13 has no other way). What was compiled is kept in
the store as an exported program and loaded from there.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch_tensorrt

from engines import cuda
from engines.acceptance import accepted
from engines.backends import torch as reference
from engines.backends.torch_modules import example, module, results
from engines.errors import EngineError, one_line
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.store import EngineKey, Store
from engines.watching import BIND, COPY, RUN

_log = logging.getLogger(__name__)


def open_network(request: NetworkRequest) -> TorchTensorRtEngine:
    """Load or compile one network, and warm it up.

    Raises:
        EngineError: there is no GPU, the weights are unusable, or what was compiled does not say
            what the module says.
    """
    gpu = cuda.device()
    store = Store()
    key = _key(gpu, request)
    with store.building(key):
        kept = store.load(key)
        if kept is not None:
            try:
                return warmed_up(TorchTensorRtEngine(request, _loaded(kept)))
            except Exception as error:  # noqa: BLE001  whatever torch finds wrong with it
                reason = one_line(error)
                store.remarks.append(f"a kept engine does not load ({reason}); it is built again")
        try:
            engine = _built(request, key, store)
        except EngineError:
            raise
        except Exception as error:  # torch's, the compiler's, TensorRT's
            raise EngineError(
                f"torch_tensorrt cannot compile {request.network} of {request.folder}: "
                f"{one_line(error)}; use --engine auto"
            ) from error
    for remark in store.remarks:
        _log.warning(remark)
    return engine


def _built(request: NetworkRequest, key: EngineKey, store: Store) -> TorchTensorRtEngine:
    """Compiled, held against the processor's, and kept."""
    began = time.perf_counter()
    eager = module(request).cuda()
    given = tuple(one.cuda() for one in example(request))
    compiled = _compiled(eager, given)
    build_s = time.perf_counter() - began
    engine = warmed_up(TorchTensorRtEngine(request, compiled))
    facts = accepted(engine, request, reference.open_network)
    store.keep(key, _saved(compiled, given), build_s, facts)
    return engine


class TorchTensorRtEngine(OpenedNetwork):
    """A compiled module on the GPU."""

    def __init__(self, request: NetworkRequest, compiled: Any) -> None:
        super().__init__("torch_tensorrt", request)
        self._compiled = compiled
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            with self._during(BIND):
                given = [
                    torch.from_numpy(array).pin_memory().cuda(non_blocking=True)
                    for array in inputs.values()
                ]
            with self._during(RUN):
                found = [one.cpu() for one in results(self._compiled(*given))]
        with self._during(COPY):
            return {
                spec.name: np.ascontiguousarray(result.numpy())
                for spec, result in zip(self.outputs, found, strict=True)
            }

    def _release(self) -> None:
        del self._compiled


def _compiled(eager: torch.nn.Module, given: tuple[torch.Tensor, ...]) -> Any:
    with torch.inference_mode():
        exported = torch.export.export(eager, given)
        return torch_tensorrt.dynamo.compile(exported, list(given))


def _saved(compiled: Any, given: tuple[torch.Tensor, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "engine.ep"
        torch_tensorrt.save(compiled, str(path), arg_inputs=list(given))
        return path.read_bytes()


def _loaded(kept: bytes) -> Any:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "engine.ep"
        path.write_bytes(kept)
        return torch.export.load(str(path)).module()


def _key(gpu: cuda.Device, request: NetworkRequest) -> EngineKey:
    weights = (request.folder / "weights.safetensors").read_bytes()
    return EngineKey(
        graph_sha256=hashlib.sha256(weights).hexdigest(),
        runtime="torch_tensorrt",
        runtime_version=f"{torch_tensorrt.__version__}, torch {torch.__version__}",
        device=gpu.name,
        capability=gpu.capability,
        precision=request.precision,
        shapes={spec.name: spec.shape for spec in request.inputs},
        options={"network": request.network, "newest": request.newest or 0},
    )
