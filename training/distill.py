"""Teach the visual trunk to see by distillation, before it hears anything.

No pretrained ResNet is at hand, so the trunk learns a teacher's map of parts of photographs, cell
by cell and pooled: what ``training.insight`` reads from it, in ``training.lessons``.

    python -m training.distill --data DATA --work runs/first --minutes 60
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from pixelplayer.networks.vision import FrameNet
from pixelplayer.one_line import OneLineParser
from training.checkpoints import check_loss, read_checkpoint, write_checkpoint
from training.commands import command, make_work
from training.corpus import Pictures, open_pictures
from training.insight import COMPONENTS, OTHER, Insight, gain, see
from training.lessons import (
    STUDENT_PX,
    TEACHER_PX,
    Lesson,
    LessonBatches,
    random_crop,
    to_tensor,
)
from training.muon import optimisers
from training.pace import cosine
from training.photos import joined
from training.precision import mixed
from training.teacher import Teacher, open_teacher
from training.weights import warm

BATCH = 48
RATE = 2e-3
JUDGED_EVERY = 400  # steps
SURE = 0.6  # a place whose name the teacher is as sure of is judged
NAMES_SHARE = 1.0  # weight of the classes among what is learned; of the components, 1


class Student(nn.Module):
    """The trunk with a linear reading of its last map into what the teacher sees."""

    def __init__(self, frame_net: FrameNet, readings: int) -> None:
        super().__init__()
        self.frame_net = frame_net
        last = frame_net.fc.in_channels
        self.lessons = nn.Conv2d(last, readings, kernel_size=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] → (B, C, H/16, W/16)."""
        net = self.frame_net
        seen: Tensor = self.lessons(net.features((pictures - net.mean) / net.deviation))
        return seen


def lessons(
    pictures: Pictures, teacher: Teacher, insight: Insight, *, seed: int, batch: int
) -> LessonBatches:
    """Lessons from all the photographs that may be learned from."""
    photos = joined(pictures.known, pictures.other)
    chosen = np.flatnonzero(~photos.held_out)

    def seen(large: np.ndarray) -> Tensor:
        return insight.of(see(teacher, list(large)))

    named = np.where(np.isin(photos.labels, insight.classes), photos.labels, OTHER)
    labels = named[:, np.newaxis] == np.array(insight.classes)
    return LessonBatches(photos.pixels, labels, chosen, seen, seed=seed, batch=batch)


def lesson_loss(seen: Tensor, target: Tensor) -> Tensor:
    """Of maps (B, C, 7, 7), cell by cell and as a whole; components and classes apart."""
    return _part_loss(seen[:, :COMPONENTS], target[:, :COMPONENTS]) + NAMES_SHARE * _part_loss(
        seen[:, COMPONENTS:], target[:, COMPONENTS:]
    )


def certainties(target: Tensor) -> Tensor:
    """Of what a teacher sees (B, C, h, w): how sure it is of each name, (B, names, h, w)."""
    return target[:, COMPONENTS:].mul(2).softmax(dim=1)


def _part_loss(seen: Tensor, target: Tensor) -> Tensor:
    return functional.smooth_l1_loss(seen, target) + functional.smooth_l1_loss(
        seen.mean(dim=(2, 3)), target.mean(dim=(2, 3))
    )


@dataclass(frozen=True)
class Exam:
    """Unseen photographs: ``pictures`` (n, 3, 112, 112) and what the teacher sees in them."""

    pictures: Tensor
    target: Tensor

    @classmethod
    def of(cls, pictures: Pictures, teacher: Teacher, insight: Insight) -> Exam:
        """A part of each photograph of a class that is kept out."""
        rng = np.random.default_rng(0)
        unseen = np.flatnonzero(pictures.known.held_out)
        large = [random_crop(pictures.known.pixels[index], TEACHER_PX, rng) for index in unseen]
        small = functional.interpolate(
            to_tensor(np.stack(large)), size=(STUDENT_PX, STUDENT_PX), mode="area"
        )
        return cls(pictures=small, target=insight.of(see(teacher, large)))

    def marks(self, student: Student) -> tuple[float, float]:
        """The loss, and in how many places that the teacher is sure of it gives the same name."""
        student.eval()
        with torch.inference_mode():
            seen = torch.cat([student(part) for part in self.pictures.split(64)])
        student.train()
        certainty, names = certainties(self.target).max(dim=1)
        right = (
            (seen[:, COMPONENTS:].argmax(dim=1) == names)[certainty > SURE].float().mean().item()
        )
        return lesson_loss(seen, self.target).item(), right


def distill(
    student: Student,
    batches: Iterable[Lesson],
    exam: Exam,
    path: Path,
    *,
    minutes: float,
    rate: float,
) -> None:
    """Train ``student`` in place for about ``minutes``, one cosine down to 0; write ``path``.

    Raises:
        TrainingError: a loss is no number, or the disk does not take it.
    """
    student.to(memory_format=torch.channels_last).train()
    steppers = optimisers(student, rate, weight_decay=1e-2)
    began, running = time.monotonic(), 0.0
    for step, (pictures, target, _) in enumerate(batches, start=1):
        elapsed = (time.monotonic() - began) / 60
        for group in (group for stepper in steppers for group in stepper.param_groups):
            group["lr"] = rate * cosine(min(elapsed / minutes, 1.0))
        with mixed():
            seen = student(pictures.contiguous(memory_format=torch.channels_last))
        loss = lesson_loss(seen.float(), target)
        told = loss.item()
        check_loss(told, step)
        student.zero_grad()
        loss.backward()
        for stepper in steppers:
            stepper.step()
        running = 0.98 * running + 0.02 * told if step > 1 else told
        finished = elapsed >= minutes
        if step % JUDGED_EVERY == 0 or finished:
            unseen, right = exam.marks(student)
            check_loss(unseen, step)
            print(
                f"{elapsed:6.2f} min  step {step}  loss {running:.4f}  "
                f"unseen {unseen:.4f}  names {right:.3f}",
                flush=True,
            )
            write_checkpoint(path, student.state_dict(), step)
        if finished:
            return


@command
def main() -> int:
    """Distil; save ``insight.npz`` and ``frame-distilled.pt`` in the work folder.

    Returns 0; 2 for what cannot be used; 1 where training could not go on.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos, photos_other, teacher")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--begin", type=Path, metavar="sight.pt", help="from a trunk that sees")
    parser.add_argument("--rate", type=float, default=RATE, help="largest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    make_work(options.work)
    torch.manual_seed(options.seed)
    teacher = open_teacher(options.data)
    pictures = open_pictures(options.data, options.work)
    insight = gain(teacher, pictures.known, pictures.other, options.seed)
    insight.write(options.work)
    student = Student(
        FrameNet(width=options.width, channels=options.channels), len(insight.offsets)
    )
    if options.begin:
        warm(student, read_checkpoint(options.begin, "--begin wants a sight.pt"))
    distill(
        student,
        DataLoader(
            lessons(pictures, teacher, insight, seed=options.seed, batch=BATCH),
            batch_size=None,
            num_workers=1,
        ),
        Exam.of(pictures, teacher, insight),
        options.work / "frame-distilled.pt",
        minutes=options.minutes,
        rate=options.rate,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
