import numpy as np

from benchmarks.loopback import slope


def test_a_single_step_is_no_drift():
    at_s = np.arange(30.0)
    assert slope(at_s, np.where(at_s < 6, 354.0, 363.0)) == 0.0


def test_drift_is_found_beneath_a_step():
    at_s = np.arange(30.0)
    late_ms = 360 + 0.1 * at_s + np.where(at_s < 20, 0.0, 8.0)
    assert 0.09 < slope(at_s, late_ms) < 0.4
