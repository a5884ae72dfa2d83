"""Clocks that differ."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.sinks.drift import MOST_PPM, Drift, Stretch
from realtime.sinks.playout import Playout, PlayoutSettings

RATE_HZ = 44_100


def tone(hz: float, seconds: float) -> np.ndarray:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.stack([np.sin(2 * np.pi * hz * at), np.cos(2 * np.pi * hz * at)]).astype(np.float32)


def fed(stretch: Stretch, samples: np.ndarray, ppm: float, rng: np.random.Generator) -> np.ndarray:
    parts, start = [], 0
    while start < samples.shape[1]:
        size = int(rng.integers(0, 3000))
        parts.append(stretch.feed(samples[:, start : start + size], ppm))
        start += size
    return np.concatenate(parts, axis=1)


def test_asked_for_nothing_it_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((2, 20_000)).astype(np.float32)
    found = fed(Stretch(2), samples, 0.0, rng)
    np.testing.assert_array_equal(found[:, 16:], samples[:, : found.shape[1] - 16])


@pytest.mark.parametrize("ppm", [-400.0, -37.0, 200.0, 500.0])
@pytest.mark.parametrize("hz", [110.0, 3_000.0, 12_000.0])
def test_a_tone_is_as_much_higher(ppm: float, hz: float) -> None:
    rng = np.random.default_rng(1)
    found = fed(Stretch(2), tone(hz, 4.0), ppm, rng)
    assert found.shape[1] == pytest.approx(4 * RATE_HZ / (1 + 1e-6 * ppm), abs=20)
    at = (np.arange(found.shape[1]) * (1 + 1e-6 * ppm) - 16) / RATE_HZ
    wanted = np.stack([np.sin(2 * np.pi * hz * at), np.cos(2 * np.pi * hz * at)])
    error = found[:, 200:] - wanted[:, 200:]
    assert 20 * np.log10(np.abs(error).max()) < -70


@pytest.mark.parametrize("seed", range(3))
def test_chunks_and_changes_of_speed_leave_no_click(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stretch, samples, parts = Stretch(2), tone(440.0, 3.0), []
    for start in range(0, samples.shape[1], 777):
        ppm = float(rng.uniform(-MOST_PPM, MOST_PPM)) if rng.random() < 0.8 else 0.0
        parts.append(stretch.feed(samples[:, start : start + 777], ppm))
    found = np.concatenate(parts, axis=1)[:, 100:]
    steepest = 2 * np.pi * 440.0 / RATE_HZ
    assert np.abs(np.diff(found, axis=1)).max() < 1.01 * steepest


@pytest.mark.parametrize("drift_ppm", [-200.0, 200.0, 30.0])
def test_eight_hours_of_two_clocks(drift_ppm: float) -> None:
    """A device that plays so much faster than the microphone hears; steps come unevenly."""
    rng = np.random.default_rng(2)
    drift, piece = Drift(RATE_HZ), 2048
    playout = Playout(RATE_HZ, PlayoutSettings.for_queue(0.032))
    hours = 8 * 3600 * RATE_HZ // piece
    late = np.abs(rng.normal(0, 0.0015, hours)) * RATE_HZ  # steps' own jitter
    first = written = 0
    made, began = 0.0, piece + late[0]
    behind_ms = np.empty(hours)
    for number in range(hours):
        now = (number + 1) * piece + late[number]
        played = (now - began) * (1 + 1e-6 * drift_ppm)
        queued = round(written - played)
        assert queued >= 0, f"ran dry after {number * piece / RATE_HZ:.0f} s"
        correction = playout.next(first, piece, queued, written)
        assert not correction.skip
        assert not (number and correction.silence)
        written += correction.silence
        by = min(correction.lengthen, 600) - min(correction.shorten, 600)
        if by:
            playout.moved(by)
        if correction.silence or not playout.is_steady:
            drift.again()
        ppm = drift.feed(queued, piece, round(playout.target_s * RATE_HZ))
        made += piece / (1 + 1e-6 * ppm)
        out = round(made)
        made -= out
        playout.drifted(out - piece)
        written += out + by
        first += piece
        behind_ms[number] = 1000 * (written - played) / RATE_HZ
    settled = behind_ms[round(120 * RATE_HZ / piece) :]
    middle = np.median(settled)
    usual = np.convolve(settled, np.ones(22) / 22, mode="valid")
    assert np.abs(usual - middle).max() < 5.0


def test_what_was_learned_of_the_clocks_is_kept() -> None:
    drift = Drift(RATE_HZ)
    queued = 3000.0
    for _ in range(20_000):
        ppm = drift.feed(round(queued), 2048, 3000)
        queued += 2048 * 1e-6 * (150.0 - ppm)
    assert ppm == pytest.approx(150.0, abs=10)
    drift.again()
    assert drift.feed(9000, 2048, 9000) == pytest.approx(150.0, abs=10)


@pytest.mark.parametrize(("settled_ms", "clocks_ppm"), [(20, 0.0), (32, 150.0), (8, -300.0)])
def test_the_queue_slides_to_the_wanted_length(settled_ms: int, clocks_ppm: float) -> None:
    drift, wanted = Drift(RATE_HZ), round(0.012 * RATE_HZ)
    queued, found_ms, found_ppm = settled_ms / 1000 * RATE_HZ, [], []
    for _ in range(round(300 * RATE_HZ / 1024)):
        ppm = drift.feed(round(queued), 1024, wanted)
        queued += 1024 * 1e-6 * (clocks_ppm - ppm)
        found_ms.append(1000 * queued / RATE_HZ)
        found_ppm.append(ppm)
    assert found_ms[-1] == pytest.approx(12, abs=1)
    assert np.abs(found_ppm).max() <= MOST_PPM
    # Never far beyond it on the way there.
    beyond_ms = 12 - min(found_ms) if settled_ms > 12 else max(found_ms) - 12
    assert beyond_ms < 3.0
