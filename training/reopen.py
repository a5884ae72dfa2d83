"""Go on from a model folder: write what its training would have left in the work folder.

    python -m training.reopen --model models/live --work runs/next

``training.sound`` then goes on with its sound network, and ``training.sight --begin
runs/next/sight.pt`` with its visual one. What only the training needed (momentum, the readings
beside the features) begins anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from pixelplayer.networks import checkpoint
from pixelplayer.spec import ModelSpec, read_description
from training.checkpoints import write_checkpoint
from training.commands import UnusableError, command
from training.muon import optimisers
from training.sound import LOOKAHEADS, ClassSeparator, save

RATE = 1.5e-3  # that the optimisers are made with; a training sets its own at every step


@command
def main() -> int:
    """Write ``sound.pt`` and ``sight.pt``. Returns 0; 2 for a model that cannot be gone on from."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    reopen(options.model, options.work)
    return 0


def reopen(model: Path, work: Path) -> None:
    """The same, from one folder into the other.

    Raises:
        SpecError: there is no model, or it cannot be read.
        CheckpointError: so with its weights.
        TrainingError: the disk does not take what is written.
        UnusableError: it does not say which instruments its features stand for, or has another
            audio network than ``training.sound`` trains.
    """
    description = read_description(model)
    spec = ModelSpec.from_dict(description)
    if "class_vectors" not in description:
        raise UnusableError(
            f"{model / 'model.json'} has no class_vectors: it was not trained here; "
            "try --model models/live"
        )
    if spec.sound.network == "published" or spec.sound.lookaheads not in ((), tuple(LOOKAHEADS)):
        raise UnusableError(
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
    work.mkdir(parents=True, exist_ok=True)
    save(separator, optimisers(separator, RATE), work / "sound.pt", used_s=0.0, step=0)
    sight = {f"frame_net.{name}": value for name, value in networks.frame.state_dict().items()}
    write_checkpoint(work / "sight.pt", sight, step=0)


if __name__ == "__main__":
    sys.exit(main())
