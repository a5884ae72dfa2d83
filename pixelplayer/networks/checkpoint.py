"""Weights of the three networks: the published state dicts, and our own ``weights.safetensors``.

One safetensors file holds all three; its names are the published ones behind a prefix:
``frame.features.0.weight``, ``sound.bn0.bias``, ``synthesizer.scale``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors_torch
from torch import Tensor, nn

from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from pixelplayer.spec import FRAME_COLUMNS, ModelSpec, SoundSpec

# Counts training steps; nothing reads it, and old checkpoints do not have it.
_STEP_COUNT = "num_batches_tracked"


class CheckpointError(ValueError):
    """Weights are missing, unexpected, of another shape, or not finite."""


AudioNet: TypeAlias = SoundNet | LiveSoundNet | StreamingSoundNet


class Networks(NamedTuple):
    """The three parts of one model."""

    frame: FrameNet
    sound: AudioNet
    synthesizer: Synthesizer


def sound_network(spec: SoundSpec, channels: int, bins: int) -> AudioNet:
    """The audio network that ``spec`` describes, with random weights, for ``bins`` frequencies.

    Raises:
        ValueError: it streams, and has no such lookaheads or is not made for so many frequencies.
    """
    if spec.is_streaming:
        if any(columns % FRAME_COLUMNS for columns in spec.lookaheads):
            raise ValueError(f"lookaheads of {spec.lookaheads} columns are no whole steps")
        frames = [columns // FRAME_COLUMNS for columns in spec.lookaheads]
        return StreamingSoundNet(spec.width, channels, bins, frames)
    kind = LiveSoundNet if spec.network == "live" else SoundNet
    return kind(spec.width, channels, spec.levels)


def import_published(
    frame: Mapping[str, Tensor],
    sound: Mapping[str, Tensor],
    synthesizer: Mapping[str, Tensor],
) -> Networks:
    """Networks from the three published state dicts; widths, K and levels follow the shapes.

    Returns:
        The networks in evaluation mode.

    Raises:
        CheckpointError: a key is missing or unknown, or a shape does not fit; the message names it.
    """
    channels = _tensor(frame, "frame", "fc.weight").shape[0]
    networks = Networks(
        FrameNet(_tensor(frame, "frame", "features.0.weight").shape[0], channels),
        SoundNet(
            _tensor(sound, "sound", "unet_block.model.0.weight").shape[0],
            _tensor(sound, "sound", "unet_block.model.4.weight").shape[0],
            # Each inner block's down-convolution is its model's second layer.
            levels=1 + sum(key.endswith("model.1.weight") for key in sound),
        ),
        Synthesizer(channels),
    )
    for part, network, state in zip(
        Networks._fields, networks, (frame, sound, synthesizer), strict=True
    ):
        _fill(network, state, part)
    return networks


def save(path: Path, networks: Networks) -> None:
    """Write all weights as float32 to the safetensors file ``path``."""
    tensors = {
        f"{part}.{key}": value.detach().to("cpu", torch.float32).contiguous()
        for part, network in zip(Networks._fields, networks, strict=True)
        for key, value in _without_step_counts(network.state_dict()).items()
    }
    # The library's own file writer makes files that only their owner can read.
    path.write_bytes(safetensors_torch.save(tensors))


def load(path: Path, spec: ModelSpec) -> Networks:
    """The networks that ``spec`` describes, with the weights of ``path``, in evaluation mode.

    Raises:
        CheckpointError: the file cannot be read or does not fit ``spec``; the message names the
            first wrong tensor.
    """
    try:
        tensors = safetensors_torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    networks = Networks(
        FrameNet(spec.vision.width, spec.channels),
        sound_network(spec.sound, spec.channels, spec.audio.frequency_bins),
        Synthesizer(spec.channels),
    )
    for part, network in zip(Networks._fields, networks, strict=True):
        prefix = f"{part}."
        state = {
            key.removeprefix(prefix): value
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        _fill(network, state, part)
    return networks


def _tensor(state: Mapping[str, Tensor], part: str, key: str) -> Tensor:
    if key not in state:
        raise CheckpointError(f"{part} weights have no {key!r}")
    return state[key]


def _fill(network: nn.Module, state: Mapping[str, Tensor], part: str) -> None:
    """Load ``state`` into ``network`` after checking every name, shape and value."""
    expected = _without_step_counts(network.state_dict())
    found = _without_step_counts(state)
    for key, value in expected.items():
        tensor = _tensor(found, part, key)
        if tensor.shape != value.shape:
            raise CheckpointError(
                f"{part} weights: {key!r} is {tuple(tensor.shape)}, expected {tuple(value.shape)}"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"{part} weights: {key!r} has values that are not finite")
    for key in found:
        if key not in expected:
            raise CheckpointError(f"{part} weights have an unexpected {key!r}")
    network.load_state_dict(found, strict=False)
    network.eval()


def _without_step_counts(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not key.endswith(_STEP_COUNT)}
