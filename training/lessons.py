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


def lesson(pixels: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(side, side, 3) uint8: a part of one of the ``chosen`` photographs, or of several.

    The side is 224, and of a collage of four 448.
    """
    kind = rng.random()
    if kind < COLLAGES:
        four = [random_crop(pixels[index], TEACHER_PX, rng) for index in rng.choice(chosen, 4)]
        return np.vstack([np.hstack(four[:2]), np.hstack(four[2:])])
    one = random_crop(pixels[rng.choice(chosen)], TEACHER_PX, rng)
    if kind > COLLAGES + BLENDS:
        return one
    another = random_crop(pixels[rng.choice(chosen)], TEACHER_PX, rng)
    share = float(rng.uniform(0.3, 0.7))
    return np.asarray(cv2.addWeighted(one, share, another, 1 - share, 0), np.uint8)


def to_tensor(pictures: np.ndarray) -> Tensor:
    """(n, H, W, 3) uint8 RGB → (n, 3, H, W) float32 in [0, 1], channels last in memory."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)


class LessonBatches(IterableDataset):  # type: ignore[type-arg]
    """Endless batches: pictures (B, 3, 112, 112) float32 in [0, 1], what is seen (B, C, 7, 7).

    A lesson is used some times, each time in another light, and then gives way to a new one.
    """

    def __init__(
        self, pixels: np.ndarray, chosen: np.ndarray, see: See, *, seed: int, batch: int
    ) -> None:
        """``pixels`` (n, 224, 224, 3) uint8 photographs; the ``chosen`` are learned from."""
        self._pixels, self._chosen, self._see = pixels, chosen, see
        self._seed, self._batch = seed, batch

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = np.random.default_rng(self._seed)
        size, fresh = self._batch * STOCK, max(self._batch // USES, 1)
        pictures, maps = self._new(self._batch, rng)
        oldest = 0
        while True:
            chosen = rng.integers(0, len(pictures), self._batch)
            seen = np.array(pictures[chosen])
            for index in np.flatnonzero(rng.random(self._batch) < AS_FILMED):
                seen[index] = filmed(camera(seen[index], rng), rng)
            yield to_tensor(seen), maps[torch.from_numpy(chosen)]
            new_pictures, new_maps = self._new(fresh, rng)
            if len(pictures) < size:
                pictures = np.concatenate([pictures, new_pictures])
                maps = torch.cat([maps, new_maps])
            else:
                places = (oldest + np.arange(fresh)) % len(pictures)
                pictures[places], maps[torch.from_numpy(places)] = new_pictures, new_maps
                oldest += fresh

    def _new(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, Tensor]:
        large = [lesson(self._pixels, self._chosen, rng) for _ in range(count)]
        size = (STUDENT_PX, STUDENT_PX)
        small = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in large]
        maps: dict[int, Tensor] = {}
        for side in {len(one) for one in large}:
            places = [place for place, one in enumerate(large) if len(one) == side]
            seen = self._see(np.stack([large[place] for place in places]))
            maps |= zip(places, functional.adaptive_avg_pool2d(seen, GRID), strict=True)
        return np.stack(small), torch.stack([maps[place] for place in range(count)])
