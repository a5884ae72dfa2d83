"""Streams find their stems, whatever their order and number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.scoring import match_streams, relative_error_db

TAPS = 8


@pytest.fixture
def stems() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2, 4000)).astype(np.float32)


def test_streams_are_matched_in_any_order_and_silent_ones_left_out(stems: np.ndarray):
    first, second = stems
    streams = np.stack([second + 0.1 * first, 0 * first, first + 0.01 * second, first + second])
    one, two = match_streams(stems, streams, first + second, TAPS)
    assert (one.stream, two.stream) == (2, 0)
    assert one.sdr_db == pytest.approx(40, abs=1)
    assert two.sdr_db == pytest.approx(20, abs=1)
    assert one.nsdr_db == pytest.approx(40, abs=1)  # the mixture has 0 dB


def test_a_stem_without_a_stream_gains_nothing(stems: np.ndarray):
    first, second = stems
    one, two = match_streams(stems, second[np.newaxis], first + second, TAPS)
    assert (one.stream, two.stream) == (None, 0)
    assert one.nsdr_db == 0
    assert math.isnan(one.sar_db)
    assert two.nsdr_db > 40


def test_nothing_found_at_all(stems: np.ndarray):
    nothing = np.zeros((0, stems.shape[1]), np.float32)
    scores = match_streams(stems, nothing, stems.sum(axis=0), TAPS)
    assert [score.nsdr_db for score in scores] == [0, 0]


def test_relative_error():
    wanted = np.ones(100, np.float32)
    assert relative_error_db(wanted, wanted) == -math.inf
    assert relative_error_db(wanted, wanted * np.float32(1.001)) == pytest.approx(-60, abs=0.1)
