"""The pointing game with ears: is the place whose sound is nearest to a source's in its picture?

The clips' pictures stand side by side. Every cell of them has a mask of its own; a source is
pointed at by the cell whose part of the mixture is most like the source (J. Zhang et al., "Top-down
neural attention by excitation backprop", ECCV 2016, play the game with maxima of heat; here the
maximum is of likeness, so that each source has its own).

The likeness of all cells is a source's heatmap. Where it is known where the instrument stands, the
box around the heat is held against it: around the largest of the pieces above half of the maximum,
as boxes are made of heat in B. Zhou et al., "Learning deep features for discriminative
localization", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pixelplayer.discovery import Grid
from pixelplayer.metrics import Box, overlap
from training.methods import Problem
from training.watching import Watched, Watcher

HOT = 0.5  # of the hottest cell's heat
_COLUMNS = 16  # at a time: the parts of all cells are many numbers
_TINY = 1e-9  # magnitude; no source is as soft as this


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """``is_right`` (N,) bool, whether each source is pointed at in its own picture.

    ``overlaps`` (N,) float: intersection over union of the boxes around its heat and around its
    instrument, on the pictures side by side; not a number where nobody knows where that is.
    """

    is_right: np.ndarray
    overlaps: np.ndarray


def places(problem: Problem, watcher: Watcher) -> Places:
    """Where the sources of a problem are pointed at."""
    heats = heat_of(problem, watcher)
    hottest = heats.max(axis=(2, 3)).argmax(axis=1)
    boxes = _side_by_side([clip.box for clip in problem.clips])
    found = [heat_box(np.concatenate(list(heat), axis=1)) for heat in heats]
    overlaps = [
        np.nan if box is None else overlap(box, around)
        for box, around in zip(boxes, found, strict=True)
    ]
    return Places(hottest == np.arange(len(heats)), np.array(overlaps))


def heat_of(problem: Problem, watcher: Watcher) -> np.ndarray:
    """How like each source every cell's part of the mixture is.

    Returns:
        ``(N sources, N pictures, h, w)`` float64, 1 where it is the source itself, 0 where it is no
        more like it than silence, below 0 where it is less.
    """
    sources = watcher.magnitude(problem.stems)
    whole = watcher.magnitude(problem.mixture)
    loud = np.maximum(sources.sum(axis=(1, 2), dtype=np.float64), _TINY)
    heats = []
    for watched in watcher.watch(problem.mixture, [clip.middle for clip in problem.clips]):
        heat = 1 - _differences(watched, sources, whole) / loud[:, np.newaxis]
        heats.append(heat.reshape(len(sources), *watched.features.shape[1:]))
    return np.stack(heats, axis=1)


def _differences(watched: Watched, sources: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(N, cells) between sources (N, F, T) and each cell's part of the mixture (F, T)."""
    total = 0.0
    for start in range(0, whole.shape[1], _COLUMNS):
        part = slice(start, min(start + _COLUMNS, whole.shape[1]))
        passed = watched.gains(part.start, part.stop) * whole[:, part]
        total += np.stack([np.abs(passed - one[:, part]).sum(axis=(1, 2)) for one in sources])
    return np.asarray(total)


def heat_box(heat: np.ndarray) -> Box:
    """The box around the largest piece of ``heat`` (h, w) above half of its maximum.

    Where nothing is above 0 it is a box without an area.
    """
    warm = np.maximum(heat, 0)
    hot = (warm >= HOT * warm.max()) & (warm > 0)
    if not hot.any():
        return (0.0, 0.0, 0.0, 0.0)
    grid = Grid(*heat.shape, reach_cells=1)
    return grid.box(max(grid.pieces(hot.ravel()), key=np.count_nonzero))


def _side_by_side(boxes: Sequence[Box | None]) -> list[Box | None]:
    """Boxes in pictures, as boxes in all of the pictures beside each other."""
    count = len(boxes)
    return [
        box and ((place + box[0]) / count, box[1], (place + box[2]) / count, box[3])
        for place, box in enumerate(boxes)
    ]
