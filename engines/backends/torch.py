"""Eager PyTorch, straight from the weights: the reference that every other engine is held to."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.protocol import FloatArray, TensorSpec, checked_inputs, warm_up
from pixelplayer.networks import checkpoint
from pixelplayer.networks.vision import VisualFeatures


def open_network(request: NetworkRequest) -> TorchEngine:
    """Load and warm up one network.

    PyTorch's thread count is the process's, not the network's: the last one opened sets it.

    Raises:
        EngineError: the weights are unusable, or the precision is not fp32.
    """
    if request.precision != "fp32":
        raise EngineError(f"engine torch computes in fp32 only, not {request.precision}")
    torch.set_num_threads(request.threads)
    engine = TorchEngine(request)
    warm_up(engine)
    return engine


class TorchEngine:
    """One network in evaluation mode on the CPU; see ``engines.protocol.Engine``."""

    def __init__(self, request: NetworkRequest) -> None:
        self.name = f"torch/{request.precision}"
        self.inputs: tuple[TensorSpec, ...] = request.inputs
        self.outputs: tuple[TensorSpec, ...] = request.outputs
        path = request.folder / "weights.safetensors"
        try:
            networks = checkpoint.load(path, request.spec)
        except checkpoint.CheckpointError as error:
            raise EngineError(f"{path}: {error}") from error
        self._network: torch.nn.Module | None = (
            VisualFeatures(networks.frame).eval() if request.network == "vision" else networks.sound
        )

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """See ``Engine.infer``."""
        if self._network is None:
            raise EngineError(f"{self.name} is closed")
        (array,) = checked_inputs(inputs, self.inputs).values()
        with torch.inference_mode():
            # Copied in: the networks may work in place.
            result = self._network(torch.tensor(array))
        return {self.outputs[0].name: np.ascontiguousarray(result.numpy())}

    def close(self) -> None:
        """See ``Engine.close``."""
        self._network = None

    def __enter__(self) -> TorchEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
