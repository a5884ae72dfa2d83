"""Go on from a model folder: write what its training would have left in the work folder.

    python -m training.reopen --model models/live --work runs/next

``training.sound`` then goes on with its sound network, and ``training.sight --begin
runs/next/sight.pt`` with its visual one. What only the training needed (momentum, the readings
beside the features) begins anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from pixelplayer.networks import checkpoint
from pixelplayer.spec import ModelSpec
from training.muon import optimisers
from training.sound import LOOKAHEADS, ClassSeparator, save

RATE = 1.5e-3  # that the optimisers are made with; a training sets its own at every step


def main() -> None:
    """Write ``sound.pt`` and ``sight.pt``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    reopen(options.model, options.work)


def reopen(model: Path, work: Path) -> None:
    """The same, from one folder into the other.

    Raises:
        ValueError: the model does not say which instruments its features stand for, or has another
            audio network than ``training.sound`` trains.
    """
    description = json.loads((model / "model.json").read_text(encoding="utf-8"))
    if "class_vectors" not in description:
        raise ValueError(f"{model / 'model.json'} has no class_vectors; it was not trained here")
    spec = ModelSpec.from_dict(description)
    if spec.sound.network == "published" or spec.sound.lookaheads not in ((), tuple(LOOKAHEADS)):
        raise ValueError(
            f"{model} hears with the {spec.sound.network} network, lookaheads "
            f"{spec.sound.lookaheads}; train anew, or use `separate`"
        )
    networks = checkpoint.load(model / "weights.safetensors", spec)
    separator = ClassSeparator(
        spec.sound.width, spec.channels, description["classes"], spec.sound.network
    )
    separator.sound, separator.synthesizer = networks.sound, networks.synthesizer
    with torch.no_grad():
        separator.table.copy_(torch.logit(torch.tensor(description["class_vectors"])))
    save(separator, optimisers(separator, RATE), work / "sound.pt", used_s=0.0, step=0)
    sight = {f"frame_net.{name}": value for name, value in networks.frame.state_dict().items()}
    torch.save(sight, work / "sight.pt")


if __name__ == "__main__":
    main()
