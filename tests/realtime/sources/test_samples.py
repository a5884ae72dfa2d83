"""Raw samples to clean mono; sample counts to instants; presentation times to positions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.sources.pacing import FastPace, RealtimePace
from realtime.sources.sample_clock import WINDOW, SampleClock
from realtime.sources.samples import chunk_samples, mono, samples_ns, silence_broken, to_float
from realtime.sources.size import reduced
from realtime.sources.timeline import Timeline
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([0, 128, 255], np.uint8), [-1, 0, 127 / 128]),
        (np.array([-32768, 16384], np.int16), [-1, 0.5]),
        (np.array([-(2**31), 2**30], np.int32), [-1, 0.5]),
        (np.array([-0.25, 3], np.float64), [-0.25, 3]),
    ],
)
def test_samples_of_any_type(samples: np.ndarray, expected: list[float]) -> None:
    got = to_float(samples)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_broken_samples_are_silenced_and_counted() -> None:
    samples = np.array([[1, np.nan], [np.inf, 2]], np.float32)
    assert silence_broken(samples) == 2
    np.testing.assert_array_equal(samples, [[1, 0], [0, 2]])
    assert silence_broken(samples) == 0


def test_absurdly_loud_samples_stay_finite() -> None:
    samples = np.full((2, 4), 3e38, np.float32)  # the sum of two is infinite
    assert silence_broken(samples) == 0
    np.testing.assert_array_equal(mono(samples), samples[0])
    beyond = to_float(np.array([1e300]))
    assert silence_broken(beyond) == 1


def test_mono_is_the_mean() -> None:
    np.testing.assert_array_equal(mono(np.array([[1, 2], [3, 6]], np.float32)), [2, 4])


def test_chunks_are_about_10_ms() -> None:
    assert [chunk_samples(rate, 100) for rate in (8_000, 11_025, 44_100, 192_000, 20)] == [
        80, 110, 441, 1_920, 1,
    ]  # fmt: skip
    assert samples_ns(441, 44_100) == 10 * NS_PER_MS


def test_the_sample_clock_forgets_jitter_and_follows_drift() -> None:
    random = np.random.default_rng(3)
    true_period_ns = NS_PER_S / 48_000 * (1 + 80e-6)
    clock = SampleClock(48_000)
    errors = []
    for block in range(3 * WINDOW):
        sample = block * 480
        true_ns = 7 * NS_PER_S + round(sample * true_period_ns)
        clock.observe(sample, true_ns + int(random.uniform(-3, 3) * NS_PER_MS))
        errors.append(clock.time_ns(sample) - true_ns)
    assert max(map(abs, errors[WINDOW + 1 :])) < 0.6 * NS_PER_MS
    assert clock.jumps == 0


def test_the_sample_clock_begins_anew_after_lost_time() -> None:
    clock = SampleClock(8_000)
    for block in range(100):
        clock.observe(block * 80, block * 10 * NS_PER_MS)
    for block in range(100, 110):
        clock.observe(block * 80, (block + 30) * 10 * NS_PER_MS)
    assert clock.jumps == 1
    assert abs(clock.time_ns(110 * 80) - 1_400 * NS_PER_MS) < 1_000


def test_small_differences_are_no_holes() -> None:
    timeline = Timeline(1_000, Fraction(60))
    assert timeline.place(Fraction(1, 1000), 100) == (0, 0)
    assert timeline.place(Fraction(115, 1000), 100) == (0, 0)


def test_holes_overlaps_and_unknown_times() -> None:
    timeline = Timeline(1_000, Fraction(60))
    assert timeline.place(Fraction(1, 2), 100) == (500, 0)  # starts late: 500..600
    assert timeline.place(None, 100) == (0, 0)  # 600..700
    assert timeline.place(Fraction(8, 10), 100) == (100, 0)  # 800..900
    assert timeline.place(Fraction(85, 100), 100) == (0, 50)  # 900..950
    assert timeline.place(Fraction(85, 100), 100) == (0, 100)  # all of it was there already
    assert timeline.place(Fraction(95, 100), 100) == (0, 0)


def test_a_clock_set_anew_is_no_hole() -> None:
    timeline = Timeline(1_000, Fraction(60))
    timeline.place(Fraction(0), 100)
    assert timeline.place(Fraction(26_000), 100) == (0, 0)
    assert timeline.place(Fraction(260_001, 10), 100) == (0, 0)
    assert timeline.place(Fraction(263, 10) + 26_000 - 26, 100) == (100, 0)


def test_fast_pace_is_the_position() -> None:
    pace = FastPace()
    pace.wait(10**12)
    assert pace.due_ns() is None
    assert pace.capture_ns(5) == 5
    assert pace.chunks_per_s < RealtimePace(FakeClock()).chunks_per_s  # nobody waits for them


def test_realtime_pace_waits_in_short_naps() -> None:
    clock = FakeClock(now_ns=9)
    pace = RealtimePace(clock)
    assert pace.due_ns() == 0
    pace.wait(50 * NS_PER_MS)
    assert pace.due_ns() == 20 * NS_PER_MS
    pace.wait(25 * NS_PER_MS)
    assert pace.due_ns() == 25 * NS_PER_MS
    pace.wait(3)
    assert pace.due_ns() == 25 * NS_PER_MS
    assert pace.capture_ns(7) == 16


def test_reduced_size() -> None:
    assert reduced(640, 360, 1280) == (640, 360)
    assert reduced(3840, 2160, 1280) == (1280, 720)
    assert reduced(1, 5_000, 100) == (1, 100)
