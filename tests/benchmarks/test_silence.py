"""What benchmarks make and measure of silent scenes and of places."""

import numpy as np
import pytest

from benchmarks.held_out import RATE_HZ
from benchmarks.scenes import overlap
from benchmarks.silence import NOISE_DB, room_noise


def test_a_rooms_noise_is_soft_and_has_no_pitch() -> None:
    for seed in range(5):
        noise = room_noise(RATE_HZ, np.random.default_rng(seed))
        level_db = 20 * np.log10(np.sqrt(np.mean(noise**2)))
        assert NOISE_DB[0] <= level_db <= NOISE_DB[1]
        power = np.abs(np.fft.rfft(noise)[100:]) ** 2
        assert power.max() < 0.05 * power.sum()


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0.0, 0.0, 0.5, 0.5), 1.0),
        ((0.25, 0.0, 0.75, 0.5), 1 / 3),
        ((0.0, 0.0, 0.25, 0.25), 0.25),
        ((0.5, 0.5, 1.0, 1.0), 0.0),
        ((0.7, 0.7, 0.7, 0.7), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(
    second: tuple[float, float, float, float], expected: float
) -> None:
    first = (0.0, 0.0, 0.5, 0.5)
    assert overlap(first, second) == pytest.approx(expected)
    assert overlap(second, first) == pytest.approx(expected)
