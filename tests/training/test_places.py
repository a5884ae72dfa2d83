"""The pointing game: eyes and ears that agree point right, those that mix up the names do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pixelplayer.networks.synthesizer import Synthesizer
from tests.fakes.clips import ToneClips
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.places import cell_answers, pointed
from training.separators import PixelPlayer
from training.variants import VARIANTS, View

VIEW = View(AUDIO, "log")
VARIANT = VARIANTS["ratio-log"]
SURE = 12.0


class Eyes(nn.Module):
    """Feature n is the colour of clip n, seen from each sixteenth pixel; the ground is none."""

    def __init__(self, colours: Tensor) -> None:
        super().__init__()
        self._colours = colours

    def forward(self, picture: Tensor) -> Tensor:
        seen = picture[:, None, :, 8::16, 8::16]
        is_like = (seen - self._colours[None, :, :, None, None]).abs().amax(dim=2) < 0.02
        return (is_like.float() * 2 - 1) * SURE


class Ears(nn.Module):
    """Component n is what source n claims."""

    def __init__(self, masks: Tensor) -> None:
        super().__init__()
        self._masks = masks

    def forward(self, _log_magnitude: Tensor) -> Tensor:
        return (self._masks[None] * 2 - 1) * SURE + SURE


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=5).solos(0))


def knowing(problem: Problem, order: list[int]) -> PixelPlayer:
    """A network that hears clip ``order[n]`` when it sees clip n."""
    model = PixelPlayer(16, 2, 2).eval()
    colours = [clip.frames[1].reshape(-1, 3).max(axis=0) for clip in problem.clips]
    sources = VIEW.magnitude(VIEW.spectrum(problem.stems))
    masks = torch.from_numpy(sources / (sources.sum(axis=0) + 1e-9)).float()
    model.frame = Eyes(torch.from_numpy(np.array(colours)).float() / 255)
    model.sound = Ears(masks[order])
    model.synthesizer = Synthesizer(2).eval()
    with torch.no_grad():
        model.synthesizer.scale.fill_(1.0)
        model.synthesizer.bias.fill_(-SURE)
    return model


def test_what_knows_points_right(problem: Problem) -> None:
    model = knowing(problem, [0, 1])
    whole = VIEW.magnitude(VIEW.spectrum(problem.mixture))
    answers, grid = cell_answers(problem, model, whole)
    assert grid == (14, 14)
    assert answers.shape == (2, 196, 256, 256)
    assert pointed(problem, model, VIEW, VARIANT).tolist() == [True, True]


def test_what_mixes_them_up_points_wrong(problem: Problem) -> None:
    model = knowing(problem, [1, 0])
    assert pointed(problem, model, VIEW, VARIANT).tolist() == [False, False]
