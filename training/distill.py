"""Teach the visual trunk to see by distillation, before it hears anything.

No pretrained ResNet is at hand, so the trunk learns a teacher's map of each photograph: its
whitened principal components per cell (smooth-L1) and pooled. The student sees the picture at
half the teacher's size, which gives both a 7x7 grid, and is about the size an instrument has in
a scene.

    python -m training.distill --data DATA --work runs/first --minutes 15
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.networks.vision import FrameNet
from training.corpus import open_pictures
from training.photos import Photos, joined
from training.teacher import Teacher

TEACHER_PX = 224
STUDENT_PX = 112
COMPONENTS = 64


@dataclass(frozen=True)
class Lessons:
    """Crops and what the teacher sees in them: (n, 224, 224, 3) uint8, (n, 64, 7, 7) float16."""

    pictures: np.ndarray
    maps: np.ndarray


class Student(nn.Module):
    """The trunk with a linear reading of its last map into the teacher's components."""

    def __init__(self, frame_net: FrameNet) -> None:
        super().__init__()
        self.frame_net = frame_net
        last = frame_net.fc.in_channels
        self.reading = nn.Conv2d(last, COMPONENTS, kernel_size=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] → (B, 64, H/16, W/16)."""
        net = self.frame_net
        reading: Tensor = self.reading(net.features((pictures - net.mean) / net.deviation))
        return reading


def random_crop(picture: np.ndarray, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """A random part of a picture, stretched by up to 1.8 either way, mirrored half the time."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.55, 1.0)
    aspect = np.exp(rng.uniform(-0.4, 0.4))
    crop_w = int(np.clip(width * share * aspect, 32, width))
    crop_h = int(np.clip(height * share / aspect, 32, height))
    x = int(rng.integers(0, width - crop_w + 1))
    y = int(rng.integers(0, height - crop_h + 1))
    crop = picture[y : y + crop_h, x : x + crop_w]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)


def prepare(photos: Photos, teacher: Teacher, crops: int, rng: np.random.Generator) -> Lessons:
    """What the teacher sees in ``crops`` random parts of every training photograph."""
    chosen = np.flatnonzero(~photos.held_out)
    pictures = np.stack(
        [random_crop(photos.pixels[i], TEACHER_PX, rng) for _ in range(crops) for i in chosen]
    )
    maps = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 32):
            maps.append(
                teacher(
                    to_tensor(pictures[start : start + 32]).to(memory_format=torch.channels_last)
                ).half()
            )
    seen = torch.cat(maps).float()
    flat = seen.permute(0, 2, 3, 1).reshape(-1, seen.shape[1])
    mean = flat.mean(dim=0)
    sample = flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))[:60000]]
    _, values, vectors = torch.linalg.svd(torch.cov((sample - mean).T), full_matrices=False)
    whitening = vectors[:COMPONENTS] / values[:COMPONENTS, None].sqrt()
    white = ((flat - mean) @ whitening.T).reshape(len(seen), 7, 7, COMPONENTS)
    return Lessons(pictures=pictures, maps=white.permute(0, 3, 1, 2).half().numpy())


def to_tensor(pictures: np.ndarray) -> Tensor:
    """(n, H, W, 3) uint8 RGB → (n, 3, H, W) float32 in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


def colour_jitter(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Brightness, contrast and tint, per picture."""
    count = len(pictures)
    gain = torch.from_numpy(rng.uniform(0.65, 1.35, (count, 3, 1, 1)) ** 0.7).float()
    offset = torch.from_numpy(rng.uniform(-0.12, 0.12, (count, 1, 1, 1))).float()
    return (pictures * gain + offset).clamp(0, 1)


def distill(lessons: Lessons, student: Student, minutes: float, rng: np.random.Generator) -> None:
    """Train ``student`` in place for about ``minutes``, one cosine from 2e-3 to 0."""
    student.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(student.parameters(), lr=2e-3, weight_decay=1e-2)
    began, step, running, batch = time.monotonic(), 0, 0.0, 48
    while (elapsed := (time.monotonic() - began) / 60) < minutes:
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * 0.5 * (1 + np.cos(np.pi * elapsed / minutes)) * min(1, step / 50)
        chosen = rng.integers(0, len(lessons.pictures), batch)
        small = np.stack(
            [
                cv2.resize(
                    lessons.pictures[i], (STUDENT_PX, STUDENT_PX), interpolation=cv2.INTER_AREA
                )
                for i in chosen
            ]
        )
        target = torch.from_numpy(lessons.maps[chosen]).float()
        seen = student(colour_jitter(to_tensor(small), rng))
        loss = functional.smooth_l1_loss(seen, target) + functional.smooth_l1_loss(
            seen.mean(dim=(2, 3)), target.mean(dim=(2, 3))
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        running = 0.98 * running + 0.02 * loss.item() if step > 1 else loss.item()
        if step % 50 == 0:
            print(f"{elapsed:6.2f} min  step {step}  loss {running:.4f}", flush=True)


def main() -> None:
    """Distil and save ``frame-distilled.pt`` in the work folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos, photos_other, teacher")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--channels", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    teacher = Teacher(next((options.data / "teacher").glob("*.npz"))).eval()
    pictures = open_pictures(options.data, options.work)
    photos = joined(pictures.known, pictures.other)
    lessons = prepare(photos, teacher, crops=2, rng=rng)
    print(f"{len(lessons.pictures)} crops", flush=True)
    student = Student(FrameNet(width=options.width, channels=options.channels))
    distill(lessons, student, options.minutes, rng)
    options.work.mkdir(parents=True, exist_ok=True)
    torch.save(student.state_dict(), options.work / "frame-distilled.pt")


if __name__ == "__main__":
    main()
