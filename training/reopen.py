"""Go on from a model folder: write what its training would have left in the work folder.

    python -m training.reopen --model models/live --work runs/next

``training.sound`` then goes on with its sound network, and ``training.sight --begin
runs/next/sight.pt`` with its visual one. What only the training needed (momentum, the readings
beside the features) begins anew.

With ``--code`` the eyes are turned to the code that ``training.sound`` is told in, where the model
has other class vectors, and the ears, who know no other words than those, begin from nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor

from pixelplayer.networks import checkpoint
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import ModelSpec, read_description
from training.checkpoints import write_checkpoint
from training.commands import UnusableError, command, make_work
from training.listener import Listener
from training.told import LOOKAHEADS, ClassSeparator, check_code
from training.turned import turned


@command
def main() -> int:
    """Write ``sound.pt`` and ``sight.pt``. Returns 0; 2 for a model that cannot be gone on from."""
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--code", action="store_true", help="eyes say the fixed code; ears begin from nothing"
    )
    options = parser.parse_args()
    work = reopen_in_code if options.code else reopen
    work(options.model, options.work)
    return 0


def reopen(model: Path, work: Path) -> None:
    """Write both as the model has them.

    Raises:
        SpecError, CheckpointError, TrainingError, UnusableError: as ``opened``, and ``_write``.
    """
    _write(*opened(model), work)


def reopen_in_code(model: Path, work: Path) -> None:
    """Write ears that know nothing yet, and eyes turned to the code that these are told in.

    Raises:
        SpecError, CheckpointError, TrainingError, UnusableError: as ``opened``, and ``_write``.
    """
    known, sight = opened(model)
    width = ModelSpec.from_dict(read_description(model)).sound.width
    check_code(known.classes, known.table.shape[1])
    torch.manual_seed(0)
    separator = ClassSeparator(width, known.table.shape[1], known.classes, known.network)
    try:
        eyes = turned(sight, known.vectors(), separator.vectors())
    except ValueError as error:
        raise UnusableError(f"{model}: {error}; teach eyes anew with `sight`") from error
    _write(separator, eyes, work)


def opened(model: Path) -> tuple[ClassSeparator, dict[str, Tensor]]:
    """The ears of a model folder, with its class vectors, and its eyes as ``sight.pt`` has them.

    Raises:
        SpecError: there is no model, or it cannot be read.
        CheckpointError: so with its weights.
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
    separator.table.copy_(torch.logit(torch.tensor(description["class_vectors"])))
    sight = {f"frame_net.{name}": value for name, value in networks.frame.state_dict().items()}
    return separator, sight


def _write(separator: ClassSeparator, sight: dict[str, Tensor], work: Path) -> None:
    """Write ``sound.pt`` and ``sight.pt``.

    Raises:
        UnusableError: ``work`` cannot be a folder.
        TrainingError: the disk does not take them.
    """
    make_work(work)
    Listener(separator).write(work / "sound.pt")
    write_checkpoint(work / "sight.pt", sight, step=0)


if __name__ == "__main__":
    sys.exit(main())
