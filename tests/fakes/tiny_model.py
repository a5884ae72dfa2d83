"""A model folder so small that it is written in a second: random weights, the real layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from pixelplayer.networks.checkpoint import Networks, sound_network
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from pixelplayer.spec import AudioSpec, MaskSpec, ModelSpec, SoundSpec, VisionSpec
from training.export import write_model


def tiny_streaming_spec() -> ModelSpec:
    """The same with ears that remember."""
    spec = tiny_spec()
    ears = SoundSpec(width=4, levels=6, network="streaming", lookaheads=(-2, 0, 4))
    network = sound_network(ears, spec.channels, 64)
    assert isinstance(network, StreamingSoundNet)
    return replace(
        spec,
        name="tiny streaming",
        audio=replace(spec.audio, frequency_bins=64),
        sound=replace(ears, state=network.begin(1).shape[1]),
    )


def tiny_stepping_spec() -> ModelSpec:
    """The same with the published network's ears, which can be run in steps."""
    spec = tiny_spec()
    return replace(
        spec,
        name="tiny stepping",
        audio=replace(spec.audio, columns=64),
        sound=SoundSpec(width=4, levels=4, step_columns=2),
    )


def tiny_published_spec() -> ModelSpec:
    """The same with ears of the paper's kind: seven levels, enlarging with aligned corners."""
    spec = tiny_spec()
    return replace(
        spec,
        name="tiny published",
        audio=AudioSpec(
            rate_hz=11025, n_fft=1022, hop=256, columns=256, frequency_bins=128, warp_base=21.0
        ),
        sound=SoundSpec(width=4, levels=7, network="published"),
    )


def tiny_spec() -> ModelSpec:
    return ModelSpec(
        name="tiny",
        channels=4,
        audio=AudioSpec(
            rate_hz=44100, n_fft=4088, hop=1024, columns=32, frequency_bins=48, warp_base=121.0
        ),
        vision=VisionSpec(width=4, frame_px=64, grid=4, frames=3, rate_hz=15.0),
        sound=SoundSpec(width=4, levels=4, network="live"),
        mask=MaskSpec(power=1.5, residual_floor=0.2),
    )


def tiny_networks(spec: ModelSpec) -> Networks:
    """Random networks whose batch norms have statistics of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        networks = Networks(
            FrameNet(spec.vision.width, spec.channels),
            sound_network(spec.sound, spec.channels, spec.audio.frequency_bins),
            Synthesizer(spec.channels),
        )
        for network in networks:
            for name, value in network.state_dict().items():
                if name.endswith(("running_mean", "scale", "bias")):
                    value.normal_(0.0, 0.3)
                elif name.endswith("running_var"):
                    value.uniform_(0.5, 2.0)
            network.eval()
    return networks


def write_tiny_published_model(folder: Path) -> None:
    """Its ears' norms fit what they hear: what is deepest is heard as well as what is not."""
    spec = tiny_published_spec()
    networks = tiny_networks(spec)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(1)
        heard = torch.empty(1, 1, spec.audio.frequency_bins, spec.audio.columns).uniform_(-23, 5)
        for layer in networks.sound.train().modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.reset_parameters()
                layer.momentum = 1.0
        networks.sound(heard)
    write_model(folder, spec, *networks, {"provenance": "random weights"})


def write_tiny_model(folder: Path, spec: ModelSpec | None = None) -> Networks:
    spec = spec or tiny_spec()
    networks = tiny_networks(spec)
    write_model(folder, spec, *networks, {"provenance": "random weights"})
    return networks
