"""The loudest pixel of every picture, and its sound: what a listener clicks on, and hears.

All pixels are cells of the picture's grid, each with a mask of its own. How loud one is says the
energy of the mixture through its mask; nobody looks at the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.methods import Problem
from training.watching import Watched, Watcher

_COLUMNS = 16  # at a time: what all cells let through are many numbers


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """One pixel of each of N pictures.

    ``places`` (N, 2) float64, x and y as fractions of the picture, y down, the middle of the cell;
    ``sounds`` (N, samples) float32, as they are separated from each other.
    """

    places: np.ndarray
    sounds: np.ndarray


def loudest_pixels(problem: Problem, watcher: Watcher) -> Pixels:
    """Of the middle picture of each clip."""
    whole = watcher.magnitude(problem.mixture)
    places, vectors = [], []
    for watched in watcher.watch(problem.mixture, [clip.middle for clip in problem.clips]):
        heat = _energy(watched, whole)
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        places.append(((column + 0.5) / heat.shape[1], (row + 0.5) / heat.shape[0]))
        vectors.append(watched.features[:, row, column])
    sounds = watcher.divided(problem.mixture, np.stack(vectors))
    return Pixels(np.array(places), sounds)


def energies(problem: Problem, watcher: Watcher) -> np.ndarray:
    """(N, h, w) float64: the mixture's energy through every cell of each clip's middle picture."""
    whole = watcher.magnitude(problem.mixture)
    pictures = [clip.middle for clip in problem.clips]
    return np.stack([_energy(one, whole) for one in watcher.watch(problem.mixture, pictures)])


def _energy(watched: Watched, whole: np.ndarray) -> np.ndarray:
    energy = 0.0
    for start in range(0, whole.shape[1], _COLUMNS):
        part = whole[:, start : start + _COLUMNS]
        passed = watched.gains(start, start + part.shape[1]) * part
        energy += np.square(passed, dtype=np.float64).sum(axis=(1, 2))
    return np.asarray(energy).reshape(watched.features.shape[1:])
