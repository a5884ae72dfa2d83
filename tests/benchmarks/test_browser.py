"""When a press is heard, from what a null sink played."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.browser import quiet_after_s
from benchmarks.monitors import RATE_HZ, Recording


def played(quiet_s: tuple[float, float], slow: float = 0.0) -> Recording:
    """Three seconds of noise, quiet between two times."""
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    start, stop = (round(time_s * RATE_HZ) for time_s in quiet_s)
    samples[start:stop] *= 0.01
    return Recording(samples=samples, start_s=100.0, slow=slow)


def test_it_is_when_it_becomes_quiet_after_the_press():
    found = quiet_after_s(played((1.2, 2.5)), 101.0)
    assert found == pytest.approx(0.2, abs=0.006)


def test_the_sinks_clock_counts():
    found = quiet_after_s(played((1.2, 2.5), slow=0.01), 101.0)
    assert found == pytest.approx(0.212, abs=0.006)


@pytest.mark.parametrize(
    "quiet_s", [(1.2, 1.25), (2.9, 3.0), (0.5, 0.9)], ids=["short", "late", "before"]
)
def test_a_moment_is_none_and_nor_is_what_comes_later(quiet_s):
    assert quiet_after_s(played(quiet_s), 101.0) is None
