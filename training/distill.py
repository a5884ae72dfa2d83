"""Teach the visual trunk to see by distillation, before it hears anything.

No pretrained ResNet is at hand, so the trunk learns a teacher's map of parts of photographs: its
whitened principal components per cell (smooth-L1) and pooled. The student sees the picture at
half the teacher's size, which gives both a 7x7 grid, and is about the size an instrument has in
a scene. The teacher sees it in good light; the student, mostly, as a bad camera on a dark stage
would show it, and learns what is there all the same. Some lessons are four small pictures in one.

Few photographs and many lessons: what matters is that every lesson shows both the same, and that
they do not repeat (L. Beyer et al., "Knowledge distillation: a good teacher is patient and
consistent", CVPR 2022).

    python -m training.distill --data DATA --work runs/first --minutes 30
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from pixelplayer.networks.vision import FrameNet
from training.corpus import open_pictures
from training.filming import camera, filmed
from training.muon import optimisers
from training.photos import Photos, joined
from training.precision import mixed
from training.sound import cosine
from training.teacher import Teacher

TEACHER_PX = 224
STUDENT_PX = 112
COMPONENTS = 64
COLLAGES = 0.3  # share of the lessons that are four small pictures
AS_FILMED = 0.75  # share of the lessons that the student sees in bad light
BATCH = 48
RATE = 2e-3


@dataclass(frozen=True)
class Lessons:
    """What the student sees, and what the teacher sees in the same at twice the size.

    ``pictures`` (n, 112, 112, 3) uint8 in good light; ``maps`` (n, 64, 7, 7) float16.
    """

    pictures: np.ndarray
    maps: np.ndarray

    def write(self, folder: Path) -> None:
        """Keep them in ``folder``."""
        np.save(folder / "lesson-pictures.npy", self.pictures)
        np.save(folder / "lesson-maps.npy", self.maps)

    @classmethod
    def read(cls, folder: Path) -> Lessons:
        """Open what ``write`` has kept, as memory maps."""
        return cls(
            pictures=np.load(folder / "lesson-pictures.npy", mmap_mode="r"),
            maps=np.load(folder / "lesson-maps.npy", mmap_mode="r"),
        )


class Student(nn.Module):
    """The trunk with a linear reading of its last map into the teacher's components."""

    def __init__(self, frame_net: FrameNet) -> None:
        super().__init__()
        self.frame_net = frame_net
        last = frame_net.fc.in_channels
        self.lessons = nn.Conv2d(last, COMPONENTS, kernel_size=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] → (B, 64, H/16, W/16)."""
        net = self.frame_net
        seen: Tensor = self.lessons(net.features((pictures - net.mean) / net.deviation))
        return seen


def random_crop(picture: np.ndarray, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """A random part of a picture, stretched by up to 1.8 either way, mirrored half the time."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.45, 1.0)
    aspect = np.exp(rng.uniform(-0.4, 0.4))
    crop_w = int(np.clip(width * share * aspect, 32, width))
    crop_h = int(np.clip(height * share / aspect, 32, height))
    x = int(rng.integers(0, width - crop_w + 1))
    y = int(rng.integers(0, height - crop_h + 1))
    crop = picture[y : y + crop_h, x : x + crop_w]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)


def lesson(photos: Photos, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(224, 224, 3) uint8: a part of one of the photographs, or of four of them side by side."""
    if rng.random() > COLLAGES:
        return random_crop(photos.pixels[rng.choice(chosen)], TEACHER_PX, rng)
    four = [
        random_crop(photos.pixels[index], TEACHER_PX // 2, rng) for index in rng.choice(chosen, 4)
    ]
    return np.vstack([np.hstack(four[:2]), np.hstack(four[2:])])


def prepare(photos: Photos, teacher: Teacher, count: int, rng: np.random.Generator) -> Lessons:
    """What the teacher sees in ``count`` parts of the training photographs."""
    chosen = np.flatnonzero(~photos.held_out)
    pictures = np.empty((count, STUDENT_PX, STUDENT_PX, 3), np.uint8)
    maps = []
    with torch.inference_mode(), mixed():
        for start in range(0, count, 32):
            large = np.stack([lesson(photos, chosen, rng) for _ in range(min(32, count - start))])
            seen = teacher(to_tensor(large).contiguous(memory_format=torch.channels_last))
            maps.append(seen.half())
            for index, picture in enumerate(large, start):
                size = (STUDENT_PX, STUDENT_PX)
                pictures[index] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return Lessons(pictures=pictures, maps=_whitened(torch.cat(maps)))


def _whitened(maps: Tensor) -> np.ndarray:
    """(n, features, 7, 7) float16 → (n, 64, 7, 7) float16, each component of deviation 1."""
    sample = maps[:: max(1, len(maps) // 1500)].float().permute(0, 2, 3, 1).flatten(0, 2)
    mean = sample.mean(dim=0)
    _, values, vectors = torch.linalg.svd(torch.cov((sample - mean).T), full_matrices=False)
    whitening = vectors[:COMPONENTS] / values[:COMPONENTS, None].sqrt()
    white = [
        torch.einsum("nchw,kc->nkhw", part.float() - mean[:, None, None], whitening).half()
        for part in maps.split(256)
    ]
    return torch.cat(white).numpy()


def to_tensor(pictures: np.ndarray) -> Tensor:
    """(n, H, W, 3) uint8 RGB → (n, 3, H, W) float32 in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


class LessonBatches(IterableDataset):  # type: ignore[type-arg]
    """Endless batches: pictures (B, 3, 112, 112) float32 in [0, 1], maps (B, 64, 7, 7)."""

    def __init__(self, lessons: Lessons, seed: int, batch: int = BATCH) -> None:
        self._lessons, self._seed, self._batch = lessons, seed, batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self._seed)
        while True:
            chosen = rng.integers(0, len(self._lessons.pictures), self._batch)
            pictures = np.array(self._lessons.pictures[chosen])
            for index in np.flatnonzero(rng.random(self._batch) < AS_FILMED):
                pictures[index] = filmed(camera(pictures[index], rng), rng)
            yield to_tensor(pictures), torch.from_numpy(self._lessons.maps[chosen]).float()


def lesson_loss(seen: Tensor, target: Tensor) -> Tensor:
    """Of maps (B, 64, 7, 7), cell by cell and as a whole."""
    return functional.smooth_l1_loss(seen, target) + functional.smooth_l1_loss(
        seen.mean(dim=(2, 3)), target.mean(dim=(2, 3))
    )


def distill(student: Student, batches: DataLoader[tuple[Tensor, Tensor]], minutes: float) -> None:
    """Train ``student`` in place for about ``minutes``, one cosine down to 0."""
    student.to(memory_format=torch.channels_last).train()
    steppers = optimisers(student, RATE, weight_decay=1e-2)
    began, running = time.monotonic(), 0.0
    for step, (pictures, target) in enumerate(batches, start=1):
        elapsed = (time.monotonic() - began) / 60
        for group in (group for stepper in steppers for group in stepper.param_groups):
            group["lr"] = RATE * cosine(min(elapsed / minutes, 1.0))
        with mixed():
            seen = student(pictures.contiguous(memory_format=torch.channels_last))
        loss = lesson_loss(seen.float(), target)
        student.zero_grad()
        loss.backward()
        for stepper in steppers:
            stepper.step()
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 50 == 0:
            print(f"{elapsed:6.2f} min  step {step}  loss {running:.4f}", flush=True)
        if elapsed >= minutes:
            return


def main() -> None:
    """Distil; save the lessons and ``frame-distilled.pt`` in the work folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos, photos_other, teacher")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lessons", type=int, default=30_000, help="each takes 160 kB of memory")
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    teacher = Teacher(next((options.data / "teacher").glob("*.npz"))).eval()
    teacher.to(memory_format=torch.channels_last)
    pictures = open_pictures(options.data, options.work)
    photos = joined(pictures.known, pictures.other)
    lessons = prepare(photos, teacher, options.lessons, rng)
    options.work.mkdir(parents=True, exist_ok=True)
    lessons.write(options.work)
    print(f"{len(lessons.pictures)} lessons", flush=True)
    student = Student(FrameNet(width=options.width, channels=options.channels))
    batches = LessonBatches(lessons, options.seed)
    distill(student, DataLoader(batches, batch_size=None, num_workers=1), options.minutes)
    torch.save(student.state_dict(), options.work / "frame-distilled.pt")


if __name__ == "__main__":
    main()
