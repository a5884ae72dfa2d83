"""Eager PyTorch, straight from the weights: the reference that every other engine is held to."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from engines.backends.torch_modules import module, results
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from engines.watching import BIND, COPY, RUN


def open_network(request: NetworkRequest) -> TorchEngine:
    """Load and warm up one network.

    PyTorch's thread count is the process's, not the network's: the last one opened sets it.

    Raises:
        EngineError: the weights are unusable, or the precision is not fp32.
    """
    if request.precision != "fp32":
        raise EngineError(f"engine torch computes in fp32 only, not {request.precision}")
    torch.set_num_threads(request.threads)
    return warmed_up(TorchEngine(request, module(request)))


class TorchEngine(OpenedNetwork):
    """One network in evaluation mode on the CPU; ``backend`` is what it is called."""

    def __init__(self, request: NetworkRequest, network: nn.Module, backend: str = "torch") -> None:
        super().__init__(backend, request)
        self._network = network

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        with torch.inference_mode():
            with self._during(BIND):  # copied: the networks may work in place
                given = [torch.tensor(array) for array in inputs.values()]
            with self._during(RUN):
                found = self._network(*given)
        with self._during(COPY):
            return {
                spec.name: np.ascontiguousarray(result.numpy())
                for spec, result in zip(self.outputs, results(found), strict=True)
            }

    def _release(self) -> None:
        del self._network
