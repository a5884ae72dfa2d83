"""Eager PyTorch, straight from the weights: the reference that every other engine is held to."""

from __future__ import annotations

import numpy as np
import torch

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.opened import OpenedNetwork, warmed_up
from engines.protocol import FloatArray
from pixelplayer.networks import checkpoint
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.sound import SoundNet
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
    return warmed_up(TorchEngine(request))


class _Newest(torch.nn.Module):
    """A sound network that gives the newest columns only, or all."""

    def __init__(self, network: SoundNet | LiveSoundNet, newest: int | None) -> None:
        super().__init__()
        self._network, self._newest = network, newest

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        if self._newest is None:
            whole: torch.Tensor = self._network(window)
            return whole
        columns = window.shape[-1]
        return self._network.some(window, columns - self._newest, columns)


class TorchEngine(OpenedNetwork):
    """One network in evaluation mode on the CPU."""

    def __init__(self, request: NetworkRequest) -> None:
        super().__init__("torch", request)
        path = request.folder / "weights.safetensors"
        try:
            networks = checkpoint.load(path, request.spec)
        except checkpoint.CheckpointError as error:
            raise EngineError(f"{path}: {error}") from error
        self._network: torch.nn.Module = (
            VisualFeatures(networks.frame, request.spec.vision.picture).eval()
            if request.network == "vision"
            else _Newest(networks.sound, request.newest)
        )

    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        (array,) = inputs.values()
        with torch.inference_mode():
            # Copied in: the networks may work in place.
            result = self._network(torch.tensor(array))
        return {self.outputs[0].name: np.ascontiguousarray(result.numpy())}

    def _release(self) -> None:
        del self._network
