"""What benchmarks make and measure of silent scenes."""

import numpy as np

from benchmarks.held_out import RATE_HZ
from benchmarks.silence import NOISE_DB, room_noise


def test_a_rooms_noise_is_soft_and_has_no_pitch() -> None:
    for seed in range(5):
        noise = room_noise(RATE_HZ, np.random.default_rng(seed))
        level_db = 20 * np.log10(np.sqrt(np.mean(noise**2)))
        assert NOISE_DB[0] <= level_db <= NOISE_DB[1]
        power = np.abs(np.fft.rfft(noise)[100:]) ** 2
        assert power.max() < 0.05 * power.sum()
