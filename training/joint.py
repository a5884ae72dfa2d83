"""Mix-and-Separate with pictures: both networks, end to end (paper section 3.2).

Each mixture is asked for what the visual network says of a cell: on an instrument that sounds in
it, on one that does not, and on the background (where nothing should be heard). Classes without
a photograph are asked by their table vector.

    python -m training.joint --data DATA --cache CACHE --work runs/first --minutes 30
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from pixelplayer.networks.vision import FrameNet
from pixelplayer.one_line import OneLineParser
from training.bank import Bank
from training.checkpoints import check_loss, read_sight, read_sound, write_checkpoint
from training.claims import mask_loss, share_loss
from training.commands import UnusableError, command
from training.corpus import Pictures, open_pictures, open_sounds
from training.mixtures import MixtureBatch, Mixtures
from training.pace import cosine
from training.scenes import BACKGROUND, SceneMaker, ScenePictures, plain_scenes, side_by_side
from training.school import UNSEEN
from training.sight import Naming, accuracy, cell_loss
from training.solos import SoloMaker
from training.told import AUDIO, ClassSeparator
from training.weights import warm

SOUND_RATE = 4e-4  # learning rates: the ear is nearly done when this begins, the eye is not
SIGHT_RATE = 1e-3
SEEING_SHARE = 0.5  # weight of the cell loss beside the mask loss
BACKGROUND_SHARE = 0.2  # of the queries, that ask for a background cell


def picture_vectors(
    features: Tensor, cells: Tensor, table: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """One visual vector per class as some cell of these pictures says it, and background ones.

    Args:
        features: (B, K, h, w) in (0, 1).
        cells: (B, h, w) class indices, -1 background.
        table: (classes, K), for classes in no picture here.
        rng: draws the cells.

    Returns:
        (classes, K), and (n, K) of background cells.
    """
    flat, truth = features.permute(0, 2, 3, 1).flatten(0, 2), cells.flatten().numpy()
    rows = list(table.unbind(0))
    for label in np.unique(truth[truth >= 0]):
        rows[label] = flat[int(rng.choice(np.flatnonzero(truth == label)))]
    ground = rng.choice(np.flatnonzero(truth == BACKGROUND), 16)
    return torch.stack(rows), flat[torch.from_numpy(ground)]


@dataclass(frozen=True)
class Pace:
    """How long to train, and what one step holds."""

    minutes: float
    columns: int
    mixtures: int
    pictures: int
    seed: int


class Both(nn.Module):
    """The two networks and the synthesizer, as one thing to train and to save."""

    def __init__(self, separator: ClassSeparator, naming: Naming) -> None:
        super().__init__()
        self.separator = separator
        self.naming = naming


def read_both(work: Path) -> Both:
    """The networks as ``training.sound`` and ``training.sight``, or ``reopen``, left them.

    Raises:
        UnusableError: one of them is not there, or something else; or the ears stream.
    """
    heard, seen = read_sound(work), read_sight(work)
    if "sound.down.0.0.weight" not in heard["model"]:
        raise UnusableError(
            f"{work / 'sound.pt'} is of ears that stream, and joint teaches a U-Net; go on with "
            f"python -m training ship --work {work}, or teach one with sound --network live"
        )
    channels = len(heard["model"]["synthesizer.scale"])
    separator = ClassSeparator(
        heard["model"]["sound.down.0.0.weight"].shape[0], channels, heard["classes"]
    )
    separator.load_state_dict(heard["model"])
    frame_net = FrameNet(seen["frame_net.features.0.weight"].shape[0], channels)
    naming = Naming(frame_net, len(separator.classes))
    warm(naming, seen)
    return Both(separator, naming).to(memory_format=torch.channels_last)


def step_loss(
    both: Both,
    sound: MixtureBatch,
    seen: tuple[Tensor, Tensor],
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """The mask loss of the queries, and the cell loss of the pictures."""
    pictures, cells = seen
    table = both.separator.vectors()
    logits, names = both.naming(pictures.contiguous(memory_format=torch.channels_last))
    by_class, ground = picture_vectors(torch.sigmoid(logits), cells, table, rng)
    vectors, targets = by_class[sound.classes], sound.targets
    of_ground = torch.from_numpy(rng.random(vectors.shape[:2]) < BACKGROUND_SHARE)
    picked = torch.from_numpy(rng.integers(0, len(ground), vectors.shape[:2]))
    vectors = torch.where(of_ground[..., None], ground[picked], vectors)
    targets = torch.where(of_ground[..., None, None], 0.0, targets)
    components = both.separator.sound(
        sound.log_magnitude.contiguous(memory_format=torch.channels_last)
    )
    mask_logits = both.separator.synthesizer(vectors, components)
    return (
        mask_loss(mask_logits, targets, sound.weight)
        + share_loss(mask_logits, targets, sound.weight),
        cell_loss(logits, names, cells, table.detach()),
    )


def train(both: Both, bank: Bank, pictures: Pictures, path: Path, pace: Pace) -> None:
    """Train in place for ``pace.minutes``, saving to ``path`` on the way.

    Raises:
        TrainingError: a loss is no number, or the disk does not take a checkpoint.
    """
    classes = both.separator.classes
    mixtures = Mixtures(
        SoloMaker(bank, held_out=False),
        AUDIO,
        classes=classes,
        columns=pace.columns,
        batch=pace.mixtures,
        seed=pace.seed,
    )
    known, other = pictures.known, pictures.other
    scenes = ScenePictures(
        SceneMaker(known, other, classes, held_out=False), batch=pace.pictures, seed=pace.seed
    )
    held_out = SceneMaker(known, other, classes, held_out=True)
    check = plain_scenes(partial(held_out.picture, layout=side_by_side), UNSEEN)
    loaders = (DataLoader(data, batch_size=None, num_workers=1) for data in (mixtures, scenes))
    rates = (SOUND_RATE, SIGHT_RATE)
    optimiser = torch.optim.AdamW(
        [
            {"params": both.separator.parameters(), "weight_decay": 1e-3},
            {"params": both.naming.parameters(), "weight_decay": 1e-2},
        ]
    )
    rng = np.random.default_rng(pace.seed)
    began, heard, named = time.monotonic(), Running(), Running()
    for step, (sound, seen) in enumerate(zip(*loaders, strict=False), start=1):
        elapsed = (time.monotonic() - began) / 60
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * cosine(min(elapsed / pace.minutes, 1.0))
        both.train()
        hearing, seeing = step_loss(both, sound, seen, rng)
        optimiser.zero_grad()
        (hearing + SEEING_SHARE * seeing).backward()
        nn.utils.clip_grad_norm_(both.parameters(), 5.0)
        optimiser.step()
        _check((hearing, seeing), step)
        heard.add(hearing.item())
        named.add(seeing.item())
        finished = elapsed >= pace.minutes
        if step % 50 == 0 or finished:
            both.eval()
            with torch.inference_mode():
                _check(step_loss(both, sound, seen, rng), step)
                features = both.naming(check[0])[0]
                right, quiet = accuracy(features, check[1], both.separator.vectors())
            print(
                f"{elapsed:6.2f} min  step {step}  mask loss {heard.mean:.4f}  "
                f"cell loss {named.mean:.3f}  unseen cells right {right:.3f}  "
                f"background {quiet:.3f}",
                flush=True,
            )
            kept = {"model": both.state_dict(), "classes": classes, "step": step}
            write_checkpoint(path, kept, step)
        if finished:
            return


def _check(losses: tuple[Tensor, Tensor], step: int) -> None:
    for loss in losses:
        check_loss(
            loss.item(), step, "look at the losses of `sound` and `sight` that it began from"
        )


class Running:
    """A running mean over about fifty values."""

    def __init__(self) -> None:
        self._sum, self._weight = 0.0, 0.0

    def add(self, value: float) -> None:
        """Take one value in."""
        self._sum = 0.98 * self._sum + value
        self._weight = 0.98 * self._weight + 1.0

    @property
    def mean(self) -> float:
        """Of the latest values."""
        return self._sum / self._weight


@command
def main() -> int:
    """Train from ``sound.pt`` and ``sight.pt``; save ``joint.pt``.

    Returns 0; 2 for what cannot be used; 1 where training could not go on.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="sound.pt, sight.pt")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--columns", type=int, default=256)
    parser.add_argument("--batch", type=int, default=5, help="mixtures in a step")
    parser.add_argument("--pictures", type=int, default=8, help="pictures in a step")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    train(
        read_both(options.work),
        open_sounds(options.data, options.cache, AUDIO.rate_hz),
        open_pictures(options.data, options.work),
        options.work / "joint.pt",
        Pace(
            minutes=options.minutes,
            columns=options.columns,
            mixtures=options.batch,
            pictures=options.pictures,
            seed=options.seed,
        ),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
