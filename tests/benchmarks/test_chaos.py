"""What was heard of a fault is measured rightly."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.chaos_claims import consequence
from benchmarks.monitors import RATE_HZ

S = RATE_HZ
WIDE = np.array([1.0, 0.3], np.float32)


def sound(duration_s: float) -> np.ndarray:
    """A noise on the left, (n, 2)."""
    noise = 0.1 * np.random.default_rng(2).standard_normal(round(duration_s * S))
    return np.outer(noise, WIDE).astype(np.float32)


def test_nothing_happens() -> None:
    found = consequence(sound(8), 2 * S, 8 * S, S)
    assert (found.gap_ms, found.away_s) == (0.0, 0.0)


def test_a_silence_is_as_long_as_it_is() -> None:
    heard = sound(8)
    heard[3 * S : 3 * S + round(0.08 * S)] = 0
    heard[5 * S : 5 * S + round(0.02 * S)] = 0
    assert consequence(heard, 2 * S, 8 * S, S).gap_ms == pytest.approx(80, abs=4)
    assert consequence(heard, 4 * S, 8 * S, S).gap_ms == pytest.approx(20, abs=4)
    assert consequence(heard, 6 * S, 8 * S, S).gap_ms == 0


def test_the_mixture_in_the_middle_is_not_divided() -> None:
    heard = sound(8)
    heard[round(2.3 * S) : round(3.2 * S)] = 0.05 * np.random.default_rng(3).standard_normal(
        (round(0.9 * S), 1)
    )
    found = consequence(heard, 2 * S, 8 * S, S)
    assert found.away_s == pytest.approx(1.2, abs=0.11)
    assert found.gap_ms == 0


def test_what_is_never_divided_again_or_was_not_before_has_no_time() -> None:
    heard = sound(8)
    heard[3 * S :] = heard[3 * S :, :1]
    assert math.isnan(consequence(heard, 2 * S, 8 * S, S).away_s)
    assert math.isnan(consequence(heard, 5 * S, 8 * S, S).away_s)
