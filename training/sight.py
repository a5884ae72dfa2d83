"""Teach the visual network to say, cell by cell, which instrument stands there.

Its words are the visual vectors that ``training.sound`` is told by: each of the K features
of a cell learns, by cross-entropy, the value that its instrument's vector has there, and 0 on the
background. A linear reading into classes, dropped afterwards, helps the trunk to learn.

Composed scenes are easily learned by their seams. So the trunk goes on with the lessons of
``training.distill`` beside them: what the teacher sees in photographs, it must still see.

    python -m training.sight --data DATA --work runs/first --minutes 25
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.networks.vision import FrameNet
from pixelplayer.one_line import OneLineParser
from training.checkpoints import check_loss, read_checkpoint, read_sound, write_checkpoint
from training.commands import command
from training.distill import SURE, certainties, lesson_loss
from training.insight import Insight
from training.muon import optimisers
from training.pace import cosine
from training.precision import add_device_options, check_device, mixed
from training.scenes import (
    BACKGROUND,
    NOT_JUDGED,
)
from training.school import open_school
from training.stock import Example
from training.team import Team
from training.weights import mean_weights, warm

LESSON_SHARE = 1.0  # weight of their loss
WORDS_SHARE = 0.7  # and of what the cells say there
UNLIKELY = 0.02  # less of what a photograph shows is in places that are something else


class Naming(nn.Module):
    """The visual network with a linear reading of its last map into classes."""

    def __init__(self, frame_net: FrameNet, classes: int) -> None:
        super().__init__()
        self.frame_net = frame_net
        self.reading = nn.Conv2d(frame_net.fc.in_channels, classes + 1, kernel_size=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) → feature logits (B, K, h, w) and class logits (B, classes + 1, h, w)."""
        trunk = self.trunk(pictures)
        return self.frame_net.fc(trunk), self.reading(trunk)

    def trunk(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] → the last map (B, C, h, w)."""
        net = self.frame_net
        last: Tensor = net.features((pictures - net.mean) / net.deviation)
        return last


class Taught(Naming):
    """With another reading, of what a teacher sees."""

    def __init__(self, frame_net: FrameNet, classes: int, readings: int) -> None:
        super().__init__(frame_net, classes)
        self.lessons = nn.Conv2d(frame_net.fc.in_channels, readings, kernel_size=1)


def cell_loss(features: Tensor, names: Tensor, cells: Tensor, vectors: Tensor) -> Tensor:
    """Of feature logits (B, K, h, w) and class logits, against ``cells`` (B, h, w).

    Instruments and background weigh the same in sum, however much of the picture they fill.
    """
    judged = cells != NOT_JUDGED
    known = cells.clamp(min=0)
    wanted = vectors[known] * (cells >= 0).unsqueeze(-1)
    by_feature = functional.binary_cross_entropy_with_logits(
        features.permute(0, 2, 3, 1), wanted, reduction="none"
    ).mean(dim=-1)
    named = torch.where(cells == BACKGROUND, names.shape[1] - 1, known)
    by_class = functional.cross_entropy(names, named, reduction="none")
    each = by_feature * 8 + by_class * 0.5
    instrument, ground = (cells >= 0) & judged, cells == BACKGROUND
    return each[instrument].mean() + each[ground].mean()


def words_of(insight: Insight, classes: list[str], vectors: Tensor) -> Tensor:
    """(names, K): the vector of each of the teacher's names, zeros for what has no known sound."""
    silent = torch.zeros_like(vectors[0])
    return torch.stack(
        [vectors[classes.index(name)] if name in classes else silent for name in insight.classes]
    )


def word_loss(said: Tensor, maps: Tensor, labels: Tensor, words: Tensor) -> Tensor:
    """Of feature logits (B, K, h, w) in lessons, where the teacher leaves no doubt.

    Composed scenes show cut-out photographs; here the same words are learned of whole ones: the
    name's where the teacher is sure of a name that is the photograph's, and nothing's where it is
    sure of none of them. That it is sure of another name is an error of its own.

    Args:
        said: what the cells say.
        maps: (B, C, h, w), what the teacher sees.
        labels: (B, names) bool, which names the photographs have.
        words: (names, K).
    """
    certainty = certainties(maps)
    own = certainty * labels[:, :, None, None]
    likely, names = own.max(dim=1)
    is_named, is_ground = likely > SURE, own.sum(dim=1) < UNLIKELY
    wanted = words[names] * is_named.unsqueeze(-1)
    each = functional.binary_cross_entropy_with_logits(
        said.permute(0, 2, 3, 1), wanted, reduction="none"
    ).mean(dim=-1)
    parts = [(each * here).sum() / here.sum().clamp(min=1) for here in (is_named, is_ground)]
    return 8 * (parts[0] + parts[1])


def accuracy(features: Tensor, cells: Tensor, vectors: Tensor) -> tuple[float, float]:
    """Share of instrument cells whose nearest vector is right, of background cells near 0."""
    known = torch.cat([vectors, torch.zeros_like(vectors[:1])])
    said = torch.cdist(torch.sigmoid(features).permute(0, 2, 3, 1).flatten(0, 2), known).argmin(1)
    truth = cells.flatten()
    truth_or_ground = torch.where(truth == BACKGROUND, len(vectors), truth)
    right = said == truth_or_ground
    return right[truth >= 0].float().mean().item(), right[truth == BACKGROUND].float().mean().item()


@command
def main() -> int:
    """Train and save ``sight.pt`` in the work folder.

    Returns 0; 2 for what cannot be used; 1 where training could not go on.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds photos, photos_other")
    parser.add_argument("--work", type=Path, required=True, help="of distill, and sound.pt")
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument(
        "--begin",
        type=Path,
        nargs="+",
        default=[],
        metavar="sight.pt",
        help="in place of the distilled network; the mean of several that began as one",
    )
    parser.add_argument("--rate", type=float, default=1.5e-3, help="largest learning rate")
    parser.add_argument(
        "--keep-trunk", action="store_true", help="learn only what is read from its last map"
    )
    parser.add_argument("--lessons", type=int, default=24, help="in a step, beside the scenes")
    parser.add_argument(
        "--uses", type=int, default=1, metavar="N", help="of each scene and lesson (1)"
    )
    parser.add_argument("--judge-every", type=int, default=200, metavar="STEPS")
    parser.add_argument("--seed", type=int, default=0)
    add_device_options(parser)
    options = parser.parse_args()
    check_device(parser, options.device)
    with Team() as team:
        train(options, team)
    return 0


def train(options: argparse.Namespace, team: Team) -> None:
    """Train on scenes of this process's own; the first process tells and saves.

    Raises:
        UnusableError: something that it begins from is not there, or something else.
        TrainingError: a loss is no number, or the disk does not take a checkpoint.
    """
    torch.manual_seed(options.seed + team.rank)
    classes, vectors = read_vectors(options.work)
    insight = Insight.read(options.work)
    net = FrameNet(width=options.width, channels=options.channels)
    model = Taught(net, len(classes), len(insight.offsets))
    device = torch.device(team.device(options.device))
    vectors = vectors.to(device)
    words = words_of(insight, classes, vectors)
    begin = options.begin or [options.work / "frame-distilled.pt"]
    remedy = f"python -m training distill --data {options.data} --work {options.work}, or --begin"
    several = [read_checkpoint(path, remedy) for path in begin]
    missing = warm(model, mean_weights(several))
    model.to(device, memory_format=torch.channels_last)
    team.average(model.state_dict().values())  # one beginning for all
    school = open_school(options, classes, insight, seed=options.seed + team.rank, device=device)
    if team.rank == 0:
        print("begins anew:", missing, flush=True)
    model.frame_net.features.requires_grad_(not options.keep_trunk)
    steppers = optimisers(model, options.rate, weight_decay=1e-2)
    began, running = time.monotonic(), 0.0
    for step, scene in enumerate(school.scenes, start=1):
        elapsed = team.first((time.monotonic() - began) / 60)
        for group in (group for stepper in steppers for group in stepper.param_groups):
            group["lr"] = options.rate * cosine(min(elapsed / options.minutes, 1.0))
        model.train()
        if options.keep_trunk:
            model.frame_net.features.eval()  # its batch norms stay too
        lesson = next(school.lessons)
        loss = _loss(model, scene, lesson, vectors, words)
        model.zero_grad()
        loss.backward()
        team.average(weight.grad for weight in model.parameters() if weight.grad is not None)
        for stepper in steppers:
            stepper.step()
        told = loss.item()
        check_loss(told, step)
        running = told if running == 0 else 0.98 * running + 0.02 * told
        finished = elapsed >= options.minutes
        if step % options.judge_every == 0 or finished:
            team.average(model.buffers())  # running means of the batch norms
            model.eval()
            with torch.inference_mode():
                check_loss(_loss(model, scene, lesson, vectors, words).item(), step)
            if team.rank == 0:
                print(f"{elapsed:6.2f} min  step {step}  loss {running:.3f}", flush=True)
                _tell(model, school.unseen, vectors)
                write_checkpoint(options.work / "sight.pt", model.state_dict(), step)
        if finished:
            return


def _loss(model: Taught, scene: Example, lesson: Example, vectors: Tensor, words: Tensor) -> Tensor:
    """Of what is said of scenes, and of what is seen and said in lessons."""
    device = vectors.device
    batch, truth = (part.to(device) for part in scene)
    shown, maps, labels = (part.to(device) for part in lesson)
    with mixed(device.type):
        features, names = model(batch.contiguous(memory_format=torch.channels_last))
        trunk = model.trunk(shown.contiguous(memory_format=torch.channels_last))
        seen, said = model.lessons(trunk), model.frame_net.fc(trunk)
    loss = cell_loss(features.float(), names.float(), truth, vectors)
    loss = loss + WORDS_SHARE * word_loss(said.float(), maps, labels, words)
    return loss + LESSON_SHARE * lesson_loss(seen.float(), maps)


def _tell(model: Naming, unseen: Mapping[str, Example], vectors: Tensor) -> None:
    for name, (pictures, cells) in unseen.items():
        with torch.inference_mode():
            said = model(pictures.to(vectors.device))[0]
            right, quiet = accuracy(said, cells.to(vectors.device), vectors)
        print(f"    {name}: unseen cells right {right:.3f}  background {quiet:.3f}", flush=True)


def read_vectors(work: Path) -> tuple[list[str], Tensor]:
    """The classes and their visual vectors as the sound training has them now.

    Raises:
        UnusableError: ``work/sound.pt`` is not there, or something else.
    """
    state = read_sound(work)
    return list(state["classes"]), torch.sigmoid(state["model"]["table"]).detach()


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
