"""Lessons in seeing: parts of photographs, and what a teacher sees in them.

The student sees the picture at half the teacher's size, which gives both a 7x7 grid, and is about
the size an instrument has in a scene. The teacher sees it in good light; the student, mostly, as a
bad camera on a dark stage would show it, and learns what is there all the same. Some lessons are
four pictures in one, as small to the student as instruments at the far end of a room, while the
teacher comes twice as near; some are one picture shining through another.

Few photographs and many lessons: what matters is that every lesson shows both the same, and that
they do not repeat (L. Beyer et al., "Knowledge distillation: a good teacher is patient and
consistent", CVPR 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import IterableDataset

from training.filming import camera, filmed

TEACHER_PX = 224
STUDENT_PX = 112
GRID = 7
COLLAGES = 0.25  # share of the lessons that are four small pictures
BLENDS = 0.25  # share of the lessons that are two pictures in one place
AS_FILMED = 0.75  # share of the lessons that the student sees in bad light
USES = 5  # of one lesson, on average: the teacher costs as much as the student learns
STOCK = 30  # batches that are at hand

See = Callable[[np.ndarray], Tensor]  # (n, side, side, 3) uint8 RGB → (n, C, side/32, side/32)


class Lesson(NamedTuple):
    """A batch: what the student sees, (B, 3, 112, 112) in [0, 1], and the teacher, (B, C, 7, 7).

    ``labels`` (B, labels) bool: those of the photographs in it.
    """

    pictures: Tensor
    maps: Tensor
    labels: Tensor


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


def lesson(
    pixels: np.ndarray, chosen: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A part of one of the ``chosen`` photographs, or of several.

    Returns:
        (side, side, 3) uint8, the side 224, and of a collage of four 448; and which photographs.
    """
    kind = rng.random()
    count = 4 if kind < COLLAGES else 2 if kind < COLLAGES + BLENDS else 1
    drawn = rng.choice(chosen, count)
    parts = [random_crop(pixels[index], TEACHER_PX, rng) for index in drawn]
    if count == 1:
        return parts[0], drawn
    if count == 4:
        return np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])]), drawn
    share = float(rng.uniform(0.3, 0.7))
    blended = cv2.addWeighted(parts[0], share, parts[1], 1 - share, 0)
    return np.asarray(blended, np.uint8), drawn


def to_tensor(pictures: np.ndarray) -> Tensor:
    """(n, H, W, 3) uint8 RGB → (n, 3, H, W) float32 in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


class LessonBatches(IterableDataset):  # type: ignore[type-arg]
    """Endless batches of lessons.

    A lesson is used some times, each time in another light, and then gives way to a new one.
    """

    def __init__(
        self,
        pixels: np.ndarray,
        labels: np.ndarray,
        chosen: np.ndarray,
        see: See,
        *,
        seed: int,
        batch: int,
    ) -> None:
        """``pixels`` (n, 224, 224, 3) uint8 photographs and their ``labels`` (n, labels) bool; the
        ``chosen`` are learned from."""
        self._pixels, self._labels, self._chosen, self._see = pixels, labels, chosen, see
        self._seed, self._batch = seed, batch

    def __iter__(self) -> Iterator[Lesson]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self._seed, worker.id if worker else 0))
        size, fresh = self._batch * STOCK, max(self._batch // USES, 1)
        pictures, maps, labels = self._new(self._batch, rng)
        oldest = 0
        while True:
            chosen = rng.integers(0, len(pictures), self._batch)
            seen = np.array(pictures[chosen])
            for index in np.flatnonzero(rng.random(self._batch) < AS_FILMED):
                seen[index] = filmed(camera(seen[index], rng), rng)
            here = torch.from_numpy(chosen)
            yield Lesson(to_tensor(seen), maps[here], labels[here])
            new_pictures, new_maps, new_labels = self._new(fresh, rng)
            if len(pictures) < size:
                pictures = np.concatenate([pictures, new_pictures])
                maps, labels = torch.cat([maps, new_maps]), torch.cat([labels, new_labels])
            else:
                places = (oldest + np.arange(fresh)) % len(pictures)
                there = torch.from_numpy(places)
                pictures[places], maps[there], labels[there] = new_pictures, new_maps, new_labels
                oldest += fresh

    def _new(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Tensor, Tensor]:
        made = [lesson(self._pixels, self._chosen, rng) for _ in range(count)]
        large = [picture for picture, _ in made]
        labels = np.stack([self._labels[drawn].any(axis=0) for _, drawn in made])
        size = (STUDENT_PX, STUDENT_PX)
        small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in large]
        maps: dict[int, Tensor] = {}
        for side in {len(one) for one in large}:
            places = [place for place, one in enumerate(large) if len(one) == side]
            seen = self._see(np.stack([large[place] for place in places]))
            maps |= zip(places, functional.adaptive_avg_pool2d(seen, GRID), strict=True)
        seen_maps = torch.stack([maps[place] for place in range(count)])
        return np.stack(small), seen_maps, torch.from_numpy(labels)
