"""Rates and trends of what was watched."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.process_tree import TreeWatch, trend
from benchmarks.realtime import overlap, rate_hz
from benchmarks.traces import steps
from pixelplayer.offline import cells_in
from realtime.trace import Trace


def test_a_trace_gives_the_steps_of_one_stage(tmp_path: Path):
    spans = [(10**9 + 10**8 * i, 10**9 + 10**8 * i + 3 * 10**6) for i in range(11)]
    trace = Trace(tmp_path / "trace.json", 0)
    trace.add("hearing", "hearing", spans[:5])
    trace.add("sight", "sight", [(5, 9)])
    trace.add("hearing", "hearing", spans[5:])
    trace.close()
    found = steps(tmp_path / "trace.json", ("hearing", "speaker"))
    assert found["hearing"].durations_ms == pytest.approx(np.full(11, 3.0))
    assert rate_hz(found["hearing"].starts_s) == pytest.approx(10)
    assert rate_hz(found["hearing"].starts_s[:1]) == 0
    assert found["speaker"].starts_s.shape == (0,)


def test_what_two_stages_do_at_the_same_time():
    taken = np.array([[0.0, 1.0], [2.0, 4.0], [6.0, 7.0]])
    others = np.array([[0.5, 2.5], [3.0, 3.5], [3.75, 10.0]])
    assert overlap(taken, others) == pytest.approx((0.5 + 0.5 + 0.5 + 0.25 + 1.0) / 4)
    assert overlap(others[:1], taken) == pytest.approx((0.5 + 0.5) / 2)
    assert overlap(taken, taken + 100) == 0


def test_trend_of_a_straight_line():
    found = trend([10.0, 11.0, 12.0], [5.0, 6.0, 7.0])
    assert (found.mean, found.spread, found.per_minute) == pytest.approx((6.0, 2.0, 60.0))


def test_a_process_is_watched():
    watch = TreeWatch(os.getpid(), every_s=0.01)
    watch._over.wait(0.2)
    watch.stop()
    assert watch.samples
    assert watch.samples[-1].rss_mb > 10
    assert watch.samples[-1].files > 2
    assert watch.samples[-1].threads > 1


def test_cells_of_a_box():
    cells = cells_in((0.0, 0.0, 0.5, 0.25), 4, 4)
    np.testing.assert_array_equal(np.argwhere(cells), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(np.argwhere(cells_in((0.9, 0.9, 0.91, 0.91), 4, 6)), [[3, 5]])
