"""Ways to separate a window of sound, all asked alike: baselines, ceilings and networks.

A method is given the mixture and, for each source, what is known of it: its class and its
pictures. Only the oracles look at the sources themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from pixelplayer.masks import MAGNITUDE_FLOOR
from training.clips import Clip
from training.mixing import Mixture, Solos
from training.separators import class_numbers
from training.variants import Variant, View


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """One mixture to be taken apart: ``mixture`` (samples,) float32, and its ``clips``."""

    mixture: np.ndarray
    clips: tuple[Clip, ...]
    stems: np.ndarray  # (N, samples): for scoring, and for oracles

    @classmethod
    def of(cls, solos: Solos) -> Problem:
        """The sum of the solos."""
        return cls(solos.stems.sum(axis=0, dtype=np.float32), solos.clips, solos.stems)


class Method(Protocol):
    """``(N, samples)`` float32, one estimate for each clip of the problem, in order."""

    def __call__(self, problem: Problem) -> np.ndarray:
        """Separate."""


def mixture_itself(problem: Problem) -> np.ndarray:
    """The mixture in place of every source: what separation is measured against."""
    return np.repeat(problem.mixture[np.newaxis], len(problem.clips), axis=0)


def oracle_mask(view: View, variant: Variant) -> Method:
    """The best that masks of this kind can do: they are made of the sources (a ceiling)."""

    def separate(problem: Problem) -> np.ndarray:
        spectrum = view.spectrum(problem.mixture)
        whole = view.magnitude(spectrum)
        sources = view.magnitude(view.spectrum(problem.stems))
        if variant.answer == "binary":
            masks = sources > 0.5 * whole
        else:
            masks = sources / (sources.sum(axis=0) + MAGNITUDE_FLOOR)
        return view.apply(masks.astype(np.float32), spectrum)

    return separate


def network(
    model: Callable[[Mixture], torch.Tensor],
    view: View,
    variant: Variant,
    classes: Sequence[str] = (),
) -> Method:
    """A network in evaluation mode, asked for what it was taught to answer.

    ``classes`` are those that its numbers stand for, for a network that goes by them.
    """

    def separate(problem: Problem) -> np.ndarray:
        answers = answers_of(model, view, problem, classes)
        return view.sound(variant, answers, view.spectrum(problem.mixture))

    return separate


def answers_of(
    model: Callable[[Mixture], torch.Tensor],
    view: View,
    problem: Problem,
    classes: Sequence[str] = (),
) -> np.ndarray:
    """What such a network says of a problem: (N, F, T) float32, as ``Variant`` reads it."""
    shown = np.stack([clip.frames for clip in problem.clips]).transpose(0, 1, 4, 2, 3)
    whole = torch.from_numpy(view.magnitude(view.spectrum(problem.mixture)))
    heard = Mixture(
        frames=torch.from_numpy(np.ascontiguousarray(shown))[None],
        classes=class_numbers([clip.label for clip in problem.clips], classes)[None],
        sources=torch.zeros(1, len(problem.clips), *whole.shape),
        mixture=whole[None, None],
    )
    with torch.inference_mode():
        answers: np.ndarray = model(heard)[0].numpy()
    return answers
