import numpy as np
import pytest

from benchmarks.loopback import slope
from benchmarks.monitors import earliest


def test_a_single_step_is_no_drift():
    at_s = np.arange(30.0)
    assert slope(at_s, np.where(at_s < 6, 354.0, 363.0)) == 0.0


def test_drift_is_found_beneath_a_step():
    at_s = np.arange(30.0)
    late_ms = 360 + 0.1 * at_s + np.where(at_s < 20, 0.0, 8.0)
    assert 0.09 < slope(at_s, late_ms) < 0.4


@pytest.mark.parametrize("slow_ppm", [-200.0, 0.0, 150.0])
def test_a_sink_s_clock_is_told_from_when_its_samples_come(slow_ppm: float) -> None:
    rng = np.random.default_rng(0)
    at_s = np.cumsum(rng.uniform(0.01, 0.03, 10_000))
    came_s = 100 + at_s * (1 + 1e-6 * slow_ppm) + rng.exponential(0.004, len(at_s))
    start_s, slow = earliest(np.stack([at_s, came_s], axis=1))
    assert start_s == pytest.approx(100, abs=1e-3)
    assert 1e6 * slow == pytest.approx(slow_ppm, abs=5)
    soon = at_s < 20
    assert earliest(np.stack([at_s, came_s], axis=1)[soon])[1] == 0
