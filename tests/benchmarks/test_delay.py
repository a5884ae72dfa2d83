"""Delays are found to the sample, and what is not there is not found."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.delay import delays
from benchmarks.loopback import judge
from benchmarks.null_sinks import noises
from benchmarks.report import Report

RATE_HZ = 2000


def test_a_constant_delay_is_found_in_every_second():
    said = noises(8, RATE_HZ)
    heard = 0.5 * np.concatenate([np.zeros(300, np.float32), said])[100:]
    found = delays(said, heard, RATE_HZ, heard_later_s=100 / RATE_HZ, longest_s=1.0)
    assert len(found) >= 5
    assert [item.delay_s for item in found] == pytest.approx([0.15] * len(found), abs=1e-9)
    assert min(item.likeness for item in found) > 0.99
    report = Report("delay")
    judge(report, found, 400.0)
    assert report.is_met


def test_another_sound_is_not_alike():
    said, heard = noises(6, RATE_HZ), noises(9, RATE_HZ, seed=4)
    found = delays(said, heard, RATE_HZ, heard_later_s=0.0, longest_s=1.0)
    assert max(item.likeness for item in found) < 0.5
    report = Report("delay")
    judge(report, found, 400.0)
    assert not report.is_met
