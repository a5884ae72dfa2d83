"""The pointing game: eyes and ears that agree point right, those that mix up the names do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pixelplayer.networks.synthesizer import Synthesizer
from tests.fakes.clips import ToneClips
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.places import heat_box, heat_of, places
from training.separators import PixelPlayer
from training.variants import VARIANTS, View
from training.watching import PaperWatcher

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


def watcher(problem: Problem, order: list[int]) -> PaperWatcher:
    return PaperWatcher(knowing(problem, order), VIEW, VARIANT)


def test_what_knows_points_right(problem: Problem) -> None:
    heats = heat_of(problem, watcher(problem, [0, 1]))
    assert heats.shape == (2, 2, 14, 14)
    assert heats[0, 0].max() > 0.9  # nearly the source itself
    found = places(problem, watcher(problem, [0, 1]))
    assert found.is_right.tolist() == [True, True]
    assert (found.overlaps > 0.7).all()  # cells are coarser than boxes


def test_what_mixes_them_up_points_wrong(problem: Problem) -> None:
    found = places(problem, watcher(problem, [1, 0]))
    assert found.is_right.tolist() == [False, False]
    assert found.overlaps.tolist() == [0, 0]


def test_nobody_is_blamed_for_places_that_nobody_knows(problem: Problem) -> None:
    first, second = problem.clips
    found = places(
        replace(problem, clips=(first, replace(second, box=None))), watcher(problem, [0, 1])
    )
    assert np.isnan(found.overlaps).tolist() == [False, True]


def test_the_box_is_around_the_largest_piece_of_the_heat() -> None:
    heat = np.full((10, 20), 0.2)
    heat[2:6, 4:8] = 0.8
    heat[6, 8] = 0.6  # touches it
    heat[0, 19] = 1.0  # hotter, and smaller
    assert heat_box(heat) == (4 / 20, 2 / 10, 9 / 20, 7 / 10)
    assert heat_box(heat - 2) == (0, 0, 0, 0)
