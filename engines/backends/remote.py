"""A network on another machine: any server of the KServe v2 protocol, such as Triton.

For boards that are too small, and for many cameras that share one GPU: the server gathers requests
into batches, which is its business and not ours. What it serves is written by
``python -m engines export-repository``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from tritonclient import grpc

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray, TensorSpec
from engines.repository import served_name
from engines.watching import BIND, COPY, RUN

CONNECT_S = 5.0
INFER_S = 2.0  # a live step that took longer would be of no use


def open_network(request: NetworkRequest) -> RemoteEngine:
    """Connect, see that the server has this network, and warm it up.

    Raises:
        EngineError: the server does not answer, or serves another network under this name.
    """
    return warmed_up(RemoteEngine(request))


class RemoteEngine(OpenedNetwork):
    """One network of one server; one request at a time."""

    def __init__(self, request: NetworkRequest) -> None:
        super().__init__("remote", request)
        if not request.address:
            raise EngineError(
                "engine remote needs an address, remote=HOST:8001; a run takes --server HOST:8001"
            )
        self._address = request.address
        self._model = served_name(request.spec.name, request.network, request.newest)
        self._client: Any = grpc.InferenceServerClient(request.address)
        try:
            self._check(self._client.get_model_metadata(self._model, client_timeout=CONNECT_S))
        except grpc.InferenceServerException as error:
            self._client.close()
            raise self._failed(error) from None
        except EngineError:
            self._client.close()
            raise
        self._inputs = [grpc.InferInput(spec.name, spec.shape, "FP32") for spec in self.inputs]
        self._outputs = [grpc.InferRequestedOutput(spec.name) for spec in self.outputs]

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        with self._during(BIND):
            for given in self._inputs:
                given.set_data_from_numpy(inputs[given.name()])
        try:
            with self._during(RUN):
                result = self._client.infer(
                    self._model, self._inputs, outputs=self._outputs, client_timeout=INFER_S
                )
        except grpc.InferenceServerException as error:
            raise self._failed(error) from None
        with self._during(COPY):
            return {spec.name: self._answer(result, spec) for spec in self.outputs}

    def _answer(self, result: Any, spec: TensorSpec) -> FloatArray:
        array = result.as_numpy(spec.name)
        if array is None or array.shape != spec.shape:
            shape = None if array is None else array.shape
            raise EngineError(f"{self._model} gave {spec.name!r} as {shape}, not {spec.shape}")
        return np.array(array, np.float32)

    def _release(self) -> None:
        self._client.close()

    def _check(self, metadata: Any) -> None:
        """That the server's network takes and gives what this one does."""
        for kind, ports, specs in (
            ("input", metadata.inputs, self.inputs),
            ("output", metadata.outputs, self.outputs),
        ):
            found = {port.name: (port.datatype, tuple(port.shape)) for port in ports}
            for spec in specs:
                if spec.name not in found or not _fits(*found[spec.name], spec):
                    raise EngineError(
                        f"{self._model} on {self._address} has {kind}s {found}, needed is "
                        f"{spec.name!r} FP32 {spec.shape}; export the repository again: "
                        "python -m engines export-repository DIR"
                    )

    def _failed(self, error: Exception) -> EngineError:
        reason = str(error).strip().splitlines()[0] if str(error) else type(error).__name__
        return EngineError(
            f"{self._model} on {self._address}: {reason}; see that the server runs and serves it"
        )


def _fits(datatype: str, shape: tuple[int, ...], spec: TensorSpec) -> bool:
    """A dimension of -1 is free."""
    return (
        datatype == "FP32"
        and len(shape) == len(spec.shape)
        and all(mine in (-1, wanted) for mine, wanted in zip(shape, spec.shape, strict=True))
    )
