"""The loudest pixel is on the instrument, and its sound is that instrument's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelplayer.networks.checkpoint import save
from tests.fakes.clips import ToneClips
from tests.fakes.tiny_model import tiny_networks, tiny_streaming_spec
from tests.training.test_places import VIEW, knowing
from training.live_model import LiveModel
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.pixels import energies, loudest_pixels
from training.variants import VARIANTS
from training.watching import PaperWatcher


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=5).solos(0))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.mark.parametrize("variant", ["ratio-log", "binary-log"])
def test_it_is_on_the_instrument_and_sounds_like_it(problem: Problem, variant: str) -> None:
    watcher = PaperWatcher(knowing(problem, [0, 1]), VIEW, VARIANTS[variant])
    found = loudest_pixels(problem, watcher)
    for (x, y), sound, stem, clip in zip(
        found.places, found.sounds, problem.stems, problem.clips, strict=True
    ):
        x0, y0, x1, y1 = clip.box
        assert x0 < x < x1
        assert y0 < y < y1
        assert len(sound) == len(problem.mixture)
        assert likeness(sound, stem) > 0.95


def test_a_sound_of_several_windows_is_divided_window_after_window(problem: Problem) -> None:
    watcher = PaperWatcher(knowing(problem, [0, 1]), VIEW, VARIANTS["ratio-log"])
    (looks,) = watcher.watch(problem.mixture, [problem.clips[0].middle])
    vectors = looks.features.reshape(2, -1).T[:2]
    one = watcher.divided(problem.mixture, vectors)
    assert one.shape == (2, len(problem.mixture))
    # These ears know one window's masks: the second window is divided as the first.
    two = watcher.divided(np.tile(problem.mixture, 2)[:-100], vectors)
    assert two.shape == (2, 2 * len(problem.mixture) - 100)
    np.testing.assert_allclose(two[:, : one.shape[1]], one, atol=1e-6)
    np.testing.assert_allclose(two[:, one.shape[1] : -2000], one[:, :-2100], atol=0.01)


def test_a_live_model_divides_among_its_loudest_pixels(tmp_path: Path, problem: Problem) -> None:
    spec = tiny_streaming_spec()
    save(tmp_path / "weights.safetensors", tiny_networks(spec))
    (tmp_path / "model.json").write_text(json.dumps(spec.to_dict()))
    model = LiveModel(tmp_path, AUDIO.rate_hz)
    found = loudest_pixels(problem, model)
    heats = energies(problem, model)
    side = spec.vision.grid
    assert heats.shape == (2, side, side)
    for (x, y), heat in zip(found.places, heats, strict=True):
        assert heat[int(y * side), int(x * side)] == heat.max()
    watched = list(model.watch(problem.mixture, [clip.middle for clip in problem.clips]))
    chosen = [
        one.features[:, int(y * side), int(x * side)]
        for one, (x, y) in zip(watched, found.places, strict=True)
    ]
    np.testing.assert_array_equal(found.sounds, model.divided(problem.mixture, np.stack(chosen)))
    assert torch.isfinite(torch.from_numpy(found.sounds)).all()
    assert np.abs(found.sounds).max() > 0
