"""Whom a report is of: a network of ``training.separate``, or a live model that is shown pictures.

Both say what they made of a mixture, by which masks, and which masks would have been right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from training.live_model import LiveModel
from training.methods import Problem, answers_of
from training.separators import PixelPlayer
from training.variants import Variant, View
from training.watching import PaperWatcher, Watcher

_TINY = 1e-12  # magnitude: nothing is as soft


@dataclass(frozen=True, slots=True, eq=False)
class Separated:
    """One mixture of N sources taken apart.

    ``estimates`` (N, samples) float32; ``predicted`` and ``true`` (N, F, T) float in 0..1, the
    masks that were applied, and those of the sources themselves.
    """

    estimates: np.ndarray
    predicted: np.ndarray
    true: np.ndarray


class Subject(Protocol):
    """Takes mixtures apart, and sees."""

    @property
    def watcher(self) -> Watcher:
        """The same, cell by cell."""

    def separate(self, problem: Problem) -> Separated:
        """By the clips' pictures."""


class PaperSubject:
    """A network of ``training.separate`` that sees, in evaluation mode.

    Its masks are those of its variant: where that is binary, 0 or 1; where it tells magnitudes,
    what these are of the mixture's.
    """

    def __init__(self, model: PixelPlayer, view: View, variant: Variant) -> None:
        self._model, self._view, self._variant = model, view, variant
        self.watcher = PaperWatcher(model, view, variant)

    def separate(self, problem: Problem) -> Separated:
        """By the clips' pictures."""
        spectrum = self._view.spectrum(problem.mixture)
        whole = self._view.magnitude(spectrum)
        answers = answers_of(self._model, self._view, problem)
        return Separated(
            self._view.sound(self._variant, answers, spectrum),
            _of(self._variant.magnitudes(answers, whole), whole),
            self._true(self._view.magnitude(self._view.spectrum(problem.stems)), whole),
        )

    def _true(self, sources: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """What it should have answered, as masks."""
        targets = self._variant.targets(
            torch.from_numpy(sources)[None], torch.from_numpy(whole)[None, None]
        )[0].numpy()
        return _of(targets, whole) if self._variant.answer == "spectral" else np.clip(targets, 0, 1)


class LiveSubject:
    """A live model shown pictures; its masks are the shares that it divides the mixture by."""

    def __init__(self, model: LiveModel) -> None:
        self.watcher = model

    def separate(self, problem: Problem) -> Separated:
        """By the clips' pictures."""
        hear: Callable[[np.ndarray], np.ndarray] = self.watcher.magnitude
        return Separated(
            self.watcher.shown(problem),
            self.watcher.shares(problem),
            _of(hear(problem.stems), hear(problem.mixture)),
        )


def _of(sources: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(N, F, T) in 0..1: what magnitudes are of the mixture's (F, T)."""
    shares: np.ndarray = np.clip(sources / np.maximum(whole, _TINY), 0, 1)
    return shares
