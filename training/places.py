"""The pointing game with ears: is the place whose sound is nearest to a source's in its picture?

The clips' pictures stand side by side. Every cell of them has a mask of its own (paper section
3.1, the pixels' sounds); a source is pointed at by the cell whose part of the mixture is most like
the source (J. Zhang et al., "Top-down neural attention by excitation backprop", ECCV 2016, play
the game with maxima of heat; here the maximum is of likeness, so that each source has its own).
"""

from __future__ import annotations

import numpy as np
import torch

from training.methods import Problem
from training.separators import PixelPlayer
from training.variants import Variant, View


def cell_answers(
    problem: Problem, model: PixelPlayer, whole: np.ndarray
) -> tuple[np.ndarray, tuple[int, int]]:
    """What every cell of the clips' middle pictures answers.

    Args:
        problem: with N clips.
        model: in evaluation mode.
        whole: (F, T) magnitude of the mixture.

    Returns:
        (N, cells, F, T) float32, and rows and columns of a picture's cells.
    """
    log_magnitude = torch.from_numpy(np.log(whole + 1e-10))[None, None]
    answers = []
    with torch.inference_mode():
        sound = model.sound(log_magnitude)
        for clip in problem.clips:
            middle = torch.from_numpy(clip.frames[len(clip.frames) // 2].copy())
            picture = middle.permute(2, 0, 1)[None].float() / 255
            features = torch.sigmoid(model.frame(picture))
            answers.append(model.synthesizer.forward_pixelwise(features, sound)[0].numpy())
    rows, columns = answers[0].shape[:2]
    return np.stack(answers).reshape(len(answers), rows * columns, *whole.shape), (rows, columns)


def pointed(problem: Problem, model: PixelPlayer, view: View, variant: Variant) -> np.ndarray:
    """(N,) bool: which sources were pointed at in their own picture."""
    whole = view.magnitude(view.spectrum(problem.mixture))
    sources = view.magnitude(view.spectrum(problem.stems))
    answers, _ = cell_answers(problem, model, whole)
    differences = np.empty((len(answers), len(sources)))
    for number, picture in enumerate(answers):
        nearest = np.full(len(sources), np.inf)
        for cell in picture:
            passed = variant.magnitudes(cell[np.newaxis], whole)
            nearest = np.minimum(nearest, np.abs(passed - sources).sum(axis=(1, 2)))
        differences[number] = nearest
    right: np.ndarray = differences.argmin(axis=0) == np.arange(len(sources))
    return right
