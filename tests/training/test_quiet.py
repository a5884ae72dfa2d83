"""Where nothing plays: what a room's noise is, and what the player's search finds in it."""

from __future__ import annotations

import numpy as np

from training.quiet import NOISE_DB, room_noise

RATE_HZ = 44_100


def test_a_rooms_noise_is_soft_and_has_no_pitch() -> None:
    for seed in range(5):
        noise = room_noise(RATE_HZ, RATE_HZ, np.random.default_rng(seed))
        level_db = 20 * np.log10(np.sqrt(np.mean(noise**2)))
        assert NOISE_DB[0] <= level_db <= NOISE_DB[1]
        power = np.abs(np.fft.rfft(noise)[100:]) ** 2
        assert power.max() < 0.05 * power.sum()
