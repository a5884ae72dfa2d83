"""Rates and trends of what was watched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.process_tree import TreeWatch, trend
from benchmarks.realtime import overlap, rate_hz, step_starts_s
from pixelplayer.offline import cells_in


def test_a_trace_gives_the_steps_of_one_stage(tmp_path: Path):
    events = [{"ph": "M", "name": "thread_name", "args": {"name": "hearing"}}]
    events += [{"ph": "X", "name": "hearing", "ts": 1e6 + 1e5 * i, "dur": 9} for i in range(11)]
    events += [{"ph": "X", "name": "sight", "ts": 5.0, "dur": 9}]
    (tmp_path / "trace.json").write_text(json.dumps({"traceEvents": events}))
    starts_s = step_starts_s(tmp_path / "trace.json", "hearing")
    assert len(starts_s) == 11
    assert rate_hz(starts_s) == pytest.approx(10)
    assert rate_hz(starts_s[:1]) == 0


def test_what_two_stages_do_at_the_same_time():
    steps = np.array([[0.0, 1.0], [2.0, 4.0], [6.0, 7.0]])
    others = np.array([[0.5, 2.5], [3.0, 3.5], [3.75, 10.0]])
    assert overlap(steps, others) == pytest.approx((0.5 + 0.5 + 0.5 + 0.25 + 1.0) / 4)
    assert overlap(others[:1], steps) == pytest.approx((0.5 + 0.5) / 2)
    assert overlap(steps, steps + 100) == 0


def test_trend_of_a_straight_line():
    found = trend([10.0, 11.0, 12.0], [5.0, 6.0, 7.0])
    assert (found.mean, found.spread, found.per_minute) == pytest.approx((6.0, 2.0, 60.0))


def test_a_process_is_watched():
    watch = TreeWatch(os.getpid(), every_s=0.01)
    watch._over.wait(0.2)
    watch.stop()
    assert watch.samples
    assert watch.samples[-1].rss_mb > 10


def test_cells_of_a_box():
    cells = cells_in((0.0, 0.0, 0.5, 0.25), 4, 4)
    np.testing.assert_array_equal(np.argwhere(cells), [[0, 0], [0, 1]])
    np.testing.assert_array_equal(np.argwhere(cells_in((0.9, 0.9, 0.91, 0.91), 4, 6)), [[3, 5]])
