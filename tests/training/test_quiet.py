"""Where nothing plays: what a room's noise is, and what the player's search finds in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from tests.fakes.clips import ToneClips
from training.paper import AUDIO
from training.quiet import CLIPS, NOISE_DB, false_objects, objects_in, room_noise
from training.variants import View
from training.watching import Watched

RATE_HZ = 44_100


def test_a_rooms_noise_is_soft_and_has_no_pitch() -> None:
    for seed in range(5):
        noise = room_noise(RATE_HZ, RATE_HZ, np.random.default_rng(seed))
        level_db = 20 * np.log10(np.sqrt(np.mean(noise**2)))
        assert NOISE_DB[0] <= level_db <= NOISE_DB[1]
        power = np.abs(np.fft.rfft(noise)[100:]) ** 2
        assert power.max() < 0.05 * power.sum()


class Patch:
    """Sees something in a corner of its picture, and lets through it all of what sounds low."""

    scale = np.ones(2, np.float32)
    column_s = AUDIO.hop / AUDIO.rate_hz

    def __init__(self, gain: float) -> None:
        self._gain = gain
        self._view = View(AUDIO, "log")

    def magnitude(self, samples: np.ndarray) -> np.ndarray:
        return self._view.magnitude(self._view.spectrum(samples))

    def power(self, samples: np.ndarray) -> np.ndarray:
        return self._view.power(self._view.spectrum(samples))

    def watch(self, samples: np.ndarray, pictures: Sequence[np.ndarray]) -> Iterator[Watched]:
        features = np.zeros((2, 14, 14), np.float32)
        features[0, 2:6, 2:6] = 1

        def gains(start: int, stop: int) -> np.ndarray:
            masks = np.zeros((196, 256, stop - start), np.float32)
            masks[features[0].ravel() > 0, :128] = self._gain
            return masks

        for _ in pictures:
            yield Watched(features, gains)


def test_what_lets_noise_through_at_one_place_finds_an_object_there() -> None:
    clips = [ToneClips().clip("bell", View(AUDIO, "log").samples, np.random.default_rng(0))]
    minute_s = CLIPS * len(clips[0].samples) / AUDIO.rate_hz / 60

    def found(watcher: Patch) -> float:
        (rate,) = false_objects(clips, watcher, AUDIO.rate_hz, np.random.default_rng(1))
        return float(rate) * minute_s

    assert found(Patch(0.9)) == pytest.approx(1)
    assert found(Patch(0.3)) == 0  # what is seen explains little of the noise
    assert found(Patch(0.02)) == 0
    silence = np.zeros(View(AUDIO, "log").samples, np.float32)
    assert objects_in(silence, clips[0].middle, Patch(0.9)) == 0


def test_power_is_the_mean_square_on_both_scales() -> None:
    noise = room_noise(View(AUDIO, "log").samples, AUDIO.rate_hz, np.random.default_rng(0))
    for scale in ("linear", "log"):
        view = View(AUDIO, scale)
        power = view.power(view.spectrum(noise))
        assert power.shape == (view.bins, AUDIO.columns)
        assert power.sum(axis=0).mean() == pytest.approx(np.square(noise).mean(), rel=0.1)
