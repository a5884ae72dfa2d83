"""Make a model folder of what was trained.

python -m training.ship --work runs/first --model models/live --name live
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pixelplayer.networks import checkpoint
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import FRAME_COLUMNS, MaskSpec, ModelSpec, SoundSpec, VisionSpec
from training.checkpoints import read_checkpoint, read_sight, read_sound
from training.commands import UnusableError, command
from training.export import write_model
from training.scenes import GRID, SIDE_PX
from training.told import AUDIO, LEVELS, LOOKAHEADS

VISION_RATE_HZ = 9.0
VISION_FRAMES = 3
VISION_LOOKS = 2  # one for what fills the picture, one for what is small in it
MASK = MaskSpec(power=2.0, residual_floor=0.08)  # of models/live
_OF_SPEC = frozenset(field.name for field in dataclasses.fields(ModelSpec))


def part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries below ``prefix``, without it."""
    return {
        key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)
    }


def read_weights(work: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Weights under ``separator.`` and ``naming.``, and the classes.

    Jointly trained if there is such a checkpoint, else the two networks as they are.

    Raises:
        UnusableError: there are none, or they are something else.
    """
    joint = work / "joint.pt"
    if joint.exists():
        remedy = "python -m training joint … teaches both together; without the file, each is taken"
        state = read_checkpoint(joint, remedy, "model", "classes")
        return state["model"], list(state["classes"])
    sound, sight = read_sound(work), read_sight(work)
    weights = {f"separator.{key}": value for key, value in sound["model"].items()}
    weights |= {f"naming.{key}": value for key, value in sight.items()}
    return weights, list(sound["classes"])


def _sound_spec(weights: dict[str, Tensor], channels: int) -> SoundSpec:
    """What network these are the weights of."""
    if "first.weight" not in weights:
        width = weights["down.0.0.weight"].shape[0]
        return SoundSpec(width=width, levels=LEVELS, network="live")
    width, ahead = weights["first.weight"].shape[0], tuple(LOOKAHEADS)
    frames = [columns // FRAME_COLUMNS for columns in ahead]
    network = StreamingSoundNet(width, channels, AUDIO.frequency_bins, frames)
    return SoundSpec(
        width=width,
        levels=len(network.down) + 1,
        network="streaming",
        lookaheads=ahead,
        state=network.begin(1).shape[1],
    )


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number that JSON has")


def read_facts(path: Path) -> dict[str, Any]:
    """A JSON object to add to ``model.json``.

    Raises:
        UnusableError: the file is missing, holds something else, or says what the weights say.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except (OSError, ValueError) as error:
        raise UnusableError(f"{path} is no JSON file ({error}); --facts wants one") from error
    if not isinstance(facts, dict):
        raise UnusableError(f"{path} holds {type(facts).__name__}; --facts wants a JSON object")
    if owned := sorted(_OF_SPEC & set(facts)):
        raise UnusableError(
            f"{path} has {owned[0]!r}, which follows from the weights; leave it out"
        )
    return facts


@command
def main() -> int:
    """Write the folder; ``--facts FILE`` adds a JSON object of scores and provenance.

    Returns 0; 2 for what cannot be used; 1 where the folder cannot be written.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--name", default="live")
    parser.add_argument("--mask-power", type=float, default=MASK.power, help=f"({MASK.power:g})")
    parser.add_argument(
        "--residual-floor",
        type=float,
        default=MASK.residual_floor,
        help=f"({MASK.residual_floor:g})",
    )
    parser.add_argument("--facts", type=Path, help="JSON object to add to model.json")
    options = parser.parse_args()
    weights, classes = read_weights(options.work)
    sound = part(weights, "separator.sound.")
    frame = part(weights, "naming.frame_net.")
    synthesizer = part(weights, "separator.synthesizer.")
    channels = len(synthesizer["scale"])
    spec = ModelSpec(
        name=options.name,
        channels=channels,
        audio=AUDIO,
        vision=VisionSpec(
            width=frame["features.0.weight"].shape[0],
            frame_px=SIDE_PX,
            grid=GRID,
            frames=VISION_FRAMES,
            rate_hz=VISION_RATE_HZ,
            looks=VISION_LOOKS,
        ),
        sound=_sound_spec(sound, channels),
        mask=MaskSpec(power=options.mask_power, residual_floor=options.residual_floor),
    )
    networks = (
        FrameNet(spec.vision.width, channels),
        checkpoint.sound_network(spec.sound, channels, AUDIO.frequency_bins),
        Synthesizer(channels),
    )
    for network, values in zip(networks, (frame, sound, synthesizer), strict=True):
        network.load_state_dict(values)
    vectors = torch.sigmoid(weights["separator.table"])
    extra: dict[str, Any] = {
        "classes": classes,
        "class_vectors": [[round(value, 4) for value in row] for row in vectors.tolist()],
    }
    if options.facts:
        extra |= read_facts(options.facts)
    write_model(options.model, spec, *networks, extra)
    print(f"{options.model} is written; try: python run_live.py --demo --model {options.model}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
