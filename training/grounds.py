"""What stands behind instruments: rooms, clothes, faces, meadows, and clutter of no name.

The photographs without a plain ground show the real thing, wherever ``training.attention`` finds
no evidence of the instrument. Clutter is a dead leaves model (A. B. Lee et al., IJCV 2001): shapes
that cover each other, whose edges are as natural pictures' are.
"""

from __future__ import annotations

import cv2
import numpy as np

from training.figures import has_plain_ground
from training.photos import SIDE_PX, Photos

_LEAST_PX, _MOST_PX = 56, 150  # sides of what is cut out of a photograph
_NO_EVIDENCE = 38  # of 255
_TRIES = 30
_LEAVES = 220


def surroundings(photos: Photos, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Up to ``count`` pictures (224, 224, 3) uint8 RGB, cut out of training photographs."""
    told = [
        index
        for index in np.flatnonzero(~photos.held_out)
        if str(photos.names[index]) in photos.evidence
    ]
    cut: list[np.ndarray] = []
    for index in rng.permutation(np.array(told, int)):
        if len(cut) == count:
            break
        picture = photos.pixels[index]
        if has_plain_ground(picture):
            continue
        evidence = cv2.resize(photos.evidence[str(photos.names[index])], (SIDE_PX, SIDE_PX))
        part = _empty_part(picture, evidence, rng)
        if part is not None:
            cut.append(cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC))
    return cut


def dead_leaves(rng: np.random.Generator) -> np.ndarray:
    """Clutter (224, 224, 3) uint8: leaves of all sizes, the small ones on top."""
    palette = rng.uniform(0, 255, (int(rng.integers(2, 9)), 3))
    canvas = np.empty((SIDE_PX, SIDE_PX, 3), np.uint8)
    canvas[:] = palette[0]
    for radius in np.sort(2 + rng.pareto(1.6, _LEAVES) * 6)[::-1]:
        reach = min(float(radius), SIDE_PX / 2)
        shade = palette[int(rng.integers(len(palette)))] * rng.uniform(0.6, 1.2)
        colour = [int(v) for v in np.clip(shade + rng.normal(0, 12, 3), 0, 255)]
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        stretch = np.exp(rng.normal(0, 0.5, 2)) * reach
        corners = (
            rng.uniform(0, SIDE_PX, 2) + np.stack([np.cos(angles), np.sin(angles)], 1) * stretch
        )
        cv2.fillPoly(canvas, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.3, 2.0)))


def panes(rng: np.random.Generator) -> np.ndarray:
    """A lattice (224, 224, 3) uint8: windows, tiles, shelves. Much contrast, and no instrument."""
    palette = rng.uniform(0, 255, (int(rng.integers(1, 7)), 3))
    frame = rng.uniform(0, 255, 3) * rng.uniform(0, 0.5)
    canvas = np.empty((SIDE_PX, SIDE_PX, 3), np.uint8)
    canvas[:] = rng.uniform(0, 255, 3)
    across, down = rng.uniform(5, 60, 2)
    width, height = rng.uniform(0.2, 1, 2) * SIDE_PX
    left, top = rng.uniform(0, SIDE_PX - width), rng.uniform(0, SIDE_PX - height)
    spread = rng.uniform(0, 0.3) * min(across, down)
    for y in np.arange(top, top + height, down):
        for x in np.arange(left, left + width, across):
            corners = [(x, y), (x + across, y), (x + across, y + down), (x, y + down)]
            shape = (np.array(corners) + rng.normal(0, spread, (4, 2))).astype(np.int32)
            shade = palette[int(rng.integers(len(palette)))] * rng.uniform(0.5, 1.3)
            colour = [int(v) for v in np.clip(shade, 0, 255)]
            cv2.fillConvexPoly(canvas, shape, colour, cv2.LINE_AA)
            cv2.polylines(canvas, [shape], True, [int(v) for v in frame], int(rng.integers(1, 4)))
    turn = cv2.getRotationMatrix2D((SIDE_PX / 2, SIDE_PX / 2), rng.normal(0, 8), 1.0)
    turned = cv2.warpAffine(canvas, turn, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(turned, (0, 0), float(rng.uniform(0.3, 2.0)))


def _empty_part(
    picture: np.ndarray, evidence: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """A part of ``picture`` without evidence, that is not all of one colour."""
    for _ in range(_TRIES):
        width, height = rng.integers(_LEAST_PX, _MOST_PX, 2)
        x, y = int(rng.integers(SIDE_PX - width)), int(rng.integers(SIDE_PX - height))
        there = np.s_[y : y + height, x : x + width]
        if evidence[there].max() < _NO_EVIDENCE and picture[there].std() > 12:
            part: np.ndarray = picture[there]
            return part
    return None
