"""Pictures of several instruments at once, with what stands in every grid cell.

Photographs (and the virtual band's drawings) are put on a background beside each other, with
other things that make no known sound in between. Each cell of the visual grid is then one of:
an instrument, background, or not judged.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset

from pixelplayer import band
from pixelplayer.pictures import exposed
from training.figures import Figure, figure_of, has_plain_ground
from training.filming import camera, filmed
from training.handling import in_front, taken_up, variation
from training.photos import Photos
from training.virtual import PREFIX

SIDE_PX = 224
GRID = 14
BACKDROPS = 60  # stages of the virtual band, painted beforehand
FAR_AWAY, PHOTOGRAPHS = 0.25, 0.15  # shares of the pictures that are taught with
HIDDEN = 0.3  # share of the instruments that something stands in front of
BACKGROUND, NOT_JUDGED = -1, -2
_COVERED, _EMPTY = 0.35, 0.02  # share of a cell that the instrument covers


@dataclass(frozen=True)
class Placed:
    """One instrument in a picture: its class and its box in pixels, half-open."""

    label: str
    box: tuple[int, int, int, int]  # x0, y0, x1, y1


@dataclass(frozen=True)
class ScenePicture:
    """``pixels`` (224, 224, 3) uint8 RGB; ``cells`` (14, 14) class index, -1 or -2."""

    pixels: np.ndarray
    cells: np.ndarray
    placed: tuple[Placed, ...]


Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, half-open
Layout = Callable[[int, np.random.Generator], list[Box]]
# A photograph (h, w, 3) uint8 and what of it is the instrument, made into another.
Vary = Callable[[np.ndarray, Figure, np.random.Generator], tuple[np.ndarray, Figure]]


class SceneMaker:
    """Composes pictures from one side of the photographs' split."""

    def __init__(
        self,
        photos: Photos,
        others: Photos,
        classes: Sequence[str],
        *,
        held_out: bool,
        grounds: Sequence[np.ndarray] = (),
    ) -> None:
        """``grounds``: pictures (224, 224, 3) uint8 to put instruments on, beside the stages."""
        self._classes = list(classes)
        self._photos, self._others = photos, others
        self._by_class = {
            label: photos.select(label, held_out=held_out) for label in np.unique(photos.labels)
        }
        self.scenic = [
            index
            for index in np.concatenate(list(self._by_class.values()))
            if str(photos.names[index]) in photos.evidence
            and not has_plain_ground(photos.pixels[index])
        ]
        self._strange = np.flatnonzero(others.held_out == held_out)
        self.seen = [name for name in classes if name in self._by_class or name.startswith(PREFIX)]
        self._backdrops = [
            np.ascontiguousarray(band.backdrop(SIDE_PX, SIDE_PX, seed)[..., ::-1])
            for seed in range(BACKDROPS)
        ]
        self._backdrops += grounds
        # Instruments in photographs whose sound is unknown are things like any other.
        self._silent = [label for label in self._by_class if label not in self._classes]

    def picture(
        self,
        rng: np.random.Generator,
        labels: Sequence[str] | None = None,
        layout: Layout | None = None,
        vary: Vary | None = None,
    ) -> ScenePicture:
        """A picture of ``labels``, or of one to three classes drawn at random.

        ``layout`` says where they stand (``side_by_side`` unless told), ``vary`` makes every
        photograph of an instrument into another.
        """
        if labels is None:
            count = int(rng.choice([1, 2, 3], p=[0.2, 0.6, 0.2]))
            count = min(count, len(self.seen))
            labels = [str(name) for name in rng.choice(self.seen, count, replace=False)]
        canvas = self._background(rng)
        share = np.zeros((len(labels), SIDE_PX, SIDE_PX), np.uint8)
        doubt = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
        boxes = (layout or side_by_side)(len(labels), rng)
        if rng.random() < 0.35 and len(boxes) < 3:
            self._distract(canvas, boxes, rng)
        placed = []
        for row, (label, box) in enumerate(zip(labels, boxes, strict=True)):
            pixels, figure = self._instrument(label, box, rng, vary)
            x0, y0, x1, y1 = box
            alpha = (figure.pasted[..., None] / 255.0).astype(np.float32)
            region = canvas[y0:y1, x0:x1]
            region[:] = (pixels * alpha + region * (1 - alpha)).astype(np.uint8)
            share[row, y0:y1, x0:x1] = figure.sure
            doubt[y0:y1, x0:x1] = np.maximum(doubt[y0:y1, x0:x1], figure.doubt)
            if vary is not None and rng.random() < HIDDEN:
                self._hide(canvas, share[row], doubt, box, rng)
            placed.append(Placed(label=label, box=box))
        known = np.array([self._classes.index(label) for label in labels])
        return ScenePicture(
            pixels=camera(canvas, rng), cells=_cells(share, known, doubt), placed=tuple(placed)
        )

    def photograph(self, rng: np.random.Generator, vary: Vary | None = None) -> ScenePicture:
        """A photograph that is a scene by itself, as its ground is not plain.

        Of an instrument whose sound is unknown all of it is background.
        """
        index = int(rng.choice(self.scenic))
        label = str(self._photos.labels[index])
        picture, evidence = self._photo(index, rng)
        figure = figure_of(picture, evidence, keep_ground=True)
        if vary is not None:
            picture, figure = vary(picture, figure, rng)
        is_known = label in self._classes
        return ScenePicture(
            pixels=camera(picture, rng),
            cells=_cells(
                figure.sure[np.newaxis] * is_known,
                np.array([self._classes.index(label) if is_known else BACKGROUND]),
                figure.doubt * is_known,
            ),
            placed=(Placed(label=label, box=(0, 0, SIDE_PX, SIDE_PX)),) if is_known else (),
        )

    def _hide(
        self,
        canvas: np.ndarray,
        share: np.ndarray,
        doubt: np.ndarray,
        box: Box,
        rng: np.random.Generator,
    ) -> None:
        """Put something in front of a part of what stands in ``box``."""
        x0, y0, x1, y1 = box
        size = (x1 - x0, y1 - y0)
        ground = self._backdrops[int(rng.integers(len(self._backdrops)))]
        thing = cv2.resize(variation(ground, rng), size, interpolation=cv2.INTER_AREA)
        where = in_front(size, rng)
        alpha = (where[..., None] / 255.0).astype(np.float32)
        region = canvas[y0:y1, x0:x1]
        region[:] = (thing * alpha + region * (1 - alpha)).astype(np.uint8)
        for field in (share, doubt):
            field[y0:y1, x0:x1][where > 127] = 0

    def _instrument(
        self, label: str, box: Box, rng: np.random.Generator, vary: Vary | None
    ) -> tuple[np.ndarray, Figure]:
        """Pixels (h, w, 3) RGB in the size of the box, and what in it is the instrument."""
        width, height = box[2] - box[0], box[3] - box[1]
        if label.startswith(PREFIX):
            sprite = band.draw(
                label.removeprefix(PREFIX), 160, int(rng.integers(1 << 30)), float(rng.random())
            )
            sprite = cv2.resize(sprite, (width, height), interpolation=cv2.INTER_AREA)
            alpha = np.ascontiguousarray(sprite[..., 3])
            sure = np.where(alpha > 100, 255, 0).astype(np.uint8)
            return sprite[..., 2::-1], Figure(sure=sure, pasted=alpha, doubt=alpha)
        picture, evidence = self._photo(int(rng.choice(self._by_class[label])), rng)
        figure = figure_of(picture, evidence, keep_ground=rng.random() < 0.55)
        if vary is not None:
            picture, figure = vary(picture, figure, rng)
        size = (width, height)
        return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), Figure(
            sure=cv2.resize(figure.sure, size, interpolation=cv2.INTER_NEAREST),
            pasted=cv2.resize(figure.pasted, size, interpolation=cv2.INTER_AREA),
            doubt=cv2.resize(figure.doubt, size, interpolation=cv2.INTER_AREA),
        )

    def _photo(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """A photograph, varied, and the evidence in it, varied likewise."""
        picture = self._photos.pixels[index]
        evidence = self._photos.evidence.get(str(self._photos.names[index]))
        if evidence is None:
            return variation(picture, rng), None
        enlarged = cv2.resize(evidence, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        both = variation(np.dstack([picture, enlarged]), rng)
        return np.ascontiguousarray(both[..., :3]), both[..., 3]

    def _background(self, rng: np.random.Generator) -> np.ndarray:
        kind = rng.random()
        if kind < 0.4:
            return self._backdrops[int(rng.integers(len(self._backdrops)))].copy()
        if kind < 0.7:
            picture = self._others.pixels[rng.choice(self._strange)]
            return cv2.GaussianBlur(variation(picture, rng), (0, 0), float(rng.uniform(2, 14)))
        coarse = rng.uniform(0, 255, (int(rng.integers(1, 5)), int(rng.integers(1, 5)), 3))
        if rng.random() < 0.4:
            coarse[:] = rng.uniform(160, 255)
        smooth = cv2.resize(coarse, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
        noise = rng.normal(0, rng.uniform(0, 8), (SIDE_PX, SIDE_PX, 1))
        return np.clip(smooth + noise, 0, 255).astype(np.uint8)

    def _distract(self, canvas: np.ndarray, boxes: list[Box], rng: np.random.Generator) -> None:
        """Put something that makes no known sound beside the instruments."""
        side = int(rng.integers(45, 90))
        x, y = (int(v) for v in rng.integers(0, SIDE_PX - side, 2))
        if any(x < b[2] and b[0] < x + side and y < b[3] and b[1] < y + side for b in boxes):
            return
        if self._silent and rng.random() < 0.3:
            picture = self._photos.pixels[rng.choice(self._by_class[str(rng.choice(self._silent))])]
        else:
            picture = self._others.pixels[rng.choice(self._strange)]
        canvas[y : y + side, x : x + side] = cv2.resize(
            variation(picture, rng), (side, side), interpolation=cv2.INTER_AREA
        )


class ScenePictures(IterableDataset):  # type: ignore[type-arg]
    """Endless batches: pictures (B, 3, 224, 224) float32 in [0, 1], cells (B, 14, 14) int64.

    The pictures are as bad cameras show them, and then in the light that the player gives them.
    """

    def __init__(
        self,
        maker: SceneMaker,
        *,
        batch: int,
        seed: int,
        far_away: float = FAR_AWAY,
        photographs: float = PHOTOGRAPHS,
    ) -> None:
        """Of the pictures ``photographs`` are whole ones, and ``far_away`` show small things."""
        self._maker, self._batch, self._seed = maker, batch, seed
        self._far_away, self._photographs = far_away, photographs

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        cv2.setNumThreads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self._seed, worker.id if worker else 0))
        while True:
            scenes = [self._scene(rng) for _ in range(self._batch)]
            yield _batch([filmed(scene.pixels, rng) for scene in scenes], scenes)

    def _scene(self, rng: np.random.Generator) -> ScenePicture:
        kind = rng.random()
        if kind < self._photographs and self._maker.scenic:
            return self._maker.photograph(rng, vary=taken_up)
        is_far = kind < self._photographs + self._far_away
        return self._maker.picture(rng, layout=far_away if is_far else side_by_side, vary=taken_up)


def plain_scenes(
    make: Callable[[np.random.Generator], ScenePicture], count: int, seed: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures and cells as of ``ScenePictures``, not varied: the same measure of any training."""
    rng = np.random.default_rng(seed)
    scenes = [make(rng) for _ in range(count)]
    return _batch([scene.pixels for scene in scenes], scenes)


def _batch(
    pictures: Sequence[np.ndarray], scenes: Sequence[ScenePicture]
) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32) / 255
    cells = torch.from_numpy(np.stack([scene.cells for scene in scenes]))
    return torch.from_numpy(exposed(np.ascontiguousarray(pixels))), cells.long()


def side_by_side(count: int, rng: np.random.Generator) -> list[Box]:
    """Boxes side by side in random columns, or columns filled from top to bottom."""
    edges = np.linspace(0, SIDE_PX, count + 1) if count > 1 else np.array([0, SIDE_PX])
    boxes = []
    full = rng.random() < 0.4
    for left, right in itertools.pairwise(edges):
        room = right - left
        if full:
            margin = rng.uniform(0, 0.08)
            width, height = room * (1 - margin), SIDE_PX * (1 - rng.uniform(0, 0.3))
        else:
            width = min(room, SIDE_PX * 0.7) * rng.uniform(0.5, 1.0)
            height = np.clip(width * np.exp(rng.uniform(-0.4, 0.75)), 40, SIDE_PX)
        x = left + rng.uniform(0, room - width)
        y = rng.uniform(0, SIDE_PX - height)
        boxes.append((int(x), int(y), int(x + width), int(y + height)))
    order = rng.permutation(len(boxes))
    return [boxes[i] for i in order]


def far_away(count: int, rng: np.random.Generator) -> list[Box]:
    """Small boxes anywhere that do not overlap: a stage as seen from the hall."""
    boxes: list[Box] = []
    while len(boxes) < count:
        width = rng.uniform(28, 85)
        height = np.clip(width * np.exp(rng.uniform(-0.3, 1.0)), 28, 110)
        x, y = rng.uniform(0, SIDE_PX - width), rng.uniform(0, SIDE_PX - height)
        box = (int(x), int(y), int(x + width), int(y + height))
        if all(box[2] <= b[0] or b[2] <= box[0] or box[3] <= b[1] or b[3] <= box[1] for b in boxes):
            boxes.append(box)
    return boxes


def _cells(share: np.ndarray, known: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """(n, H, W) uint8 of the classes ``known`` (n,), and (H, W) uint8 → (14, 14) int16."""
    side = SIDE_PX // GRID

    def mean(mask: np.ndarray) -> np.ndarray:
        tiles = mask.reshape(*mask.shape[:-2], GRID, side, GRID, side)
        return tiles.mean(axis=(-3, -1), dtype=np.float32) / 255

    covered, doubted = mean(share), mean(doubt)
    best = known[covered.argmax(axis=0)]
    cells = np.where(doubted > _EMPTY, NOT_JUDGED, BACKGROUND)
    return np.where(covered.max(axis=0) > _COVERED, best, cells).astype(np.int16)
