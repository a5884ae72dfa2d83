"""Make a model folder of the published PixelPlayer weights: three state dicts, as downloaded.

    python -m training import --frame F.pth --sound S.pth --synthesizer Y.pth --out models/paper

The graphs are the published networks: ``vision.onnx`` takes one 224x224 frame normalised as
ImageNet's networks expect it, ``sound.onnx`` one log-frequency spectrogram. Rate, transform and
warp are the paper's (section 4.3); widths, K and levels follow the weights.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.networks.checkpoint import Networks, import_published
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import MaskSpec, ModelSpec, SoundSpec, VisionSpec
from training.checkpoints import read_checkpoint
from training.commands import UnusableError, command
from training.export import write_model
from training.paper import AUDIO, FRAMES
from training.scenes import GRID, SIDE_PX

VISION_RATE_HZ = 10.0
STEP_COLUMNS = 2  # as many as a live run divides at once
MASK = MaskSpec(power=1.5, residual_floor=0.2)
_PARALLEL = "module."  # before every name of a network that was saved inside DataParallel


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict as ``torch.save`` wrote it; nothing but tensors is unpickled.

    Raises:
        UnusableError: the file is missing, is no checkpoint, or holds something else.
    """
    remedy = "name a state dict as it was downloaded"
    state = read_checkpoint(path, remedy)
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise UnusableError(f"{path}: {name!r} is {type(value).__name__}, no tensor; {remedy}")
    return {str(name).removeprefix(_PARALLEL): value for name, value in state.items()}


def spec_of(networks: Networks, name: str) -> ModelSpec:
    """The paper's numbers, with the widths that the weights have."""
    frame, sound = networks.frame, networks.sound
    return ModelSpec(
        name=name,
        channels=frame.fc.out_channels,
        audio=AUDIO,
        vision=VisionSpec(
            width=frame.fc.in_channels // 8,
            frame_px=SIDE_PX,
            grid=GRID,
            frames=FRAMES,
            rate_hz=VISION_RATE_HZ,
            picture="imagenet",
        ),
        sound=_sound_spec(sound.width, sound.levels),
        mask=MASK,
    )


def _sound_spec(width: int, levels: int) -> SoundSpec:
    """In steps with a cache, if its windows can be divided so."""
    stepped = SoundSpec(width=width, levels=levels, step_columns=STEP_COLUMNS)
    try:
        encoder_columns(stepped, AUDIO)
    except ValueError:
        return SoundSpec(width=width, levels=levels)
    return stepped


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Read, check, write. Returns 0; 2 when the files do not fit; 1 if it cannot be written."""
    parser = OneLineParser(prog="training import", description=__doc__.splitlines()[0])
    for part in Networks._fields:
        parser.add_argument(f"--{part}", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder")
    parser.add_argument("--name", default="published")
    options = parser.parse_args(arguments)
    files = {part: getattr(options, part) for part in Networks._fields}
    networks = import_published(*(read_state(path) for path in files.values()))
    spec = spec_of(networks, options.name)
    provenance = {part: path.name for part, path in files.items()}
    write_model(options.out, spec, *networks, {"provenance": {"published": provenance}})
    print(f"{options.out} is written; try: python run_live.py --demo --model {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
