"""A model's networks as torch modules that take and give what an engine does."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engines.errors import EngineError
from engines.networks import NetworkRequest
from pixelplayer.networks import checkpoint
from pixelplayer.networks.cached_sound import CachedSoundNet
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.vision import VisualFeatures


class Newest(nn.Module):
    """A sound network that gives the newest columns only, or all."""

    def __init__(self, network: SoundNet | LiveSoundNet, newest: int | None) -> None:
        super().__init__()
        self._network, self._newest = network, newest

    def forward(self, window: Tensor) -> Tensor:
        """(B, 1, F, T) → (B, K, F, newest)."""
        if self._newest is None:
            whole: Tensor = self._network(window)
            return whole
        columns = window.shape[-1]
        return self._network.some(window, columns - self._newest, columns)


class Step(nn.Module):
    """A network that streams: what is new and what it remembers, to the same of the next step."""

    def __init__(self, network: StreamingSoundNet) -> None:
        super().__init__()
        self._network = network

    def forward(
        self, log_magnitude: Tensor, lookahead: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(B, 1, F, t), (1, L), (B, S) → (B, K, F, t), (B, S)."""
        return self._network.step(log_magnitude, lookahead, state)


class CachedStep(nn.Module):
    """A step of a sound network with a cache, that gives the first of the newest columns."""

    def __init__(self, network: CachedSoundNet, newest: int) -> None:
        super().__init__()
        self._network = network
        self._start = network.columns.window - newest

    def forward(self, log_magnitude: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 1, F, S), (1, P) → (1, K, F, S), (1, M)."""
        stop = self._start + self._network.columns.step
        said, kept = self._network(log_magnitude, past, self._start, stop)
        return said, kept


class Half(nn.Module):
    """A network that computes in float16 between a float32 input and a float32 result.

    What takes the level out of a window stays in float32: its sums are too large for sixteen bits.
    """

    def __init__(self, network: nn.Module, *, takes_half: bool) -> None:
        super().__init__()
        self._network, self._takes_half = network.half(), takes_half

    def forward(self, given: Tensor) -> Tensor:
        """As the network."""
        result: Tensor = self._network(given.half() if self._takes_half else given)
        return result.float()


def module(request: NetworkRequest) -> nn.Module:
    """The network of a request, in its precision, in evaluation mode, on the CPU.

    Raises:
        EngineError: the weights are unusable, or the precision is int8, which is a graph's.
    """
    if request.precision not in ("fp32", "fp16"):
        raise EngineError(f"torch has no {request.precision} of this model; use fp32 or fp16")
    path = request.folder / "weights.safetensors"
    try:
        networks = checkpoint.load(path, request.spec)
    except checkpoint.CheckpointError as error:
        raise EngineError(f"{path}: {error}") from error
    whole: nn.Module
    if request.network == "vision":
        whole = VisualFeatures(networks.frame, request.spec.vision.picture)
    elif isinstance(networks.sound, StreamingSoundNet):
        whole = Step(networks.sound)
    elif request.network == "step" and isinstance(networks.sound, SoundNet):
        steps = request.steps
        cached = CachedSoundNet(networks.sound, steps)
        whole = CachedStep(cached, request.newest or steps.step)
    else:
        whole = Newest(networks.sound, request.newest)
    if request.precision == "fp16" and isinstance(whole, Step):
        _round_kernels(whole)
    elif request.precision == "fp16":
        levels = request.network == "sound" and isinstance(networks.sound, LiveSoundNet)
        whole = Half(whole, takes_half=not levels)
    return whole.eval()


def example(request: NetworkRequest) -> tuple[Tensor, ...]:
    """Of its inputs."""
    return tuple(torch.zeros(spec.shape) for spec in request.inputs)


def results(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a network gave: one tensor, or several."""
    return found if isinstance(found, tuple) else (found,)


@torch.no_grad()
def _round_kernels(network: nn.Module) -> None:
    """To what sixteen bits hold, as the fp16 graphs of networks that remember (``calibration``).

    They compute in float32: errors in what they remember would add up.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.copy_(layer.weight.half().float())
