"""The paper's model as a baseline: its widths, random weights. Its time does not depend on them."""

from __future__ import annotations

import torch

from benchmarks.cost import (
    PAPER_CHANNELS,
    PAPER_FRAMES,
    PAPER_SIDE_PX,
    PAPER_WIDTH,
    PAPER_WINDOW,
)
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from pixelplayer.spec import AudioSpec, MaskSpec, ModelSpec, SoundSpec, VisionSpec

UPDATES_PER_S = 10.0
_RATE_HZ, _HOP = 11025, 256

SPEC = ModelSpec(
    name="paper",
    channels=PAPER_CHANNELS,
    audio=AudioSpec(
        rate_hz=_RATE_HZ,
        n_fft=1022,
        hop=_HOP,
        columns=PAPER_WINDOW,
        frequency_bins=PAPER_WINDOW,
        warp_base=21.0,
    ),
    vision=VisionSpec(
        width=PAPER_WIDTH,
        frame_px=PAPER_SIDE_PX,
        grid=PAPER_SIDE_PX // 16,
        frames=PAPER_FRAMES,
        rate_hz=8,
    ),
    sound=SoundSpec(
        width=PAPER_WIDTH, levels=7, step_columns=round(_RATE_HZ / (_HOP * UPDATES_PER_S))
    ),
    mask=MaskSpec(power=1.0, residual_floor=0.2),
)


def networks() -> tuple[FrameNet, SoundNet, Synthesizer]:
    """The same weights every time."""
    torch.manual_seed(0)
    return (
        FrameNet(PAPER_WIDTH, PAPER_CHANNELS),
        SoundNet(PAPER_WIDTH, PAPER_CHANNELS),
        Synthesizer(PAPER_CHANNELS),
    )
