import numpy as np
import pytest

from calibration.onsets import onsets
from calibration.pattern import Pattern
from tests.calibration.examples import RATE_HZ, scene, sounding


@pytest.mark.parametrize("noise_db", [-90.0, -60.0, -40.0])
def test_claps_are_found_to_a_millisecond(noise_db: float) -> None:
    given = scene(1, 0.0, 30.0)
    found_s = onsets(sounding(given, 1, noise_db), RATE_HZ) / RATE_HZ
    assert len(found_s) == len(given.events_s)
    np.testing.assert_allclose(found_s, given.events_s, atol=1.5e-3)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000, 96_000])
def test_the_patterns_beeps_are_found(rate_hz: int) -> None:
    pattern = Pattern()
    found_s = onsets(pattern.sound(rate_hz), rate_hz) / rate_hz
    np.testing.assert_allclose(found_s, pattern.instants_s, atol=1.5e-3)


def test_an_echo_is_no_second_clap() -> None:
    given = scene(2, 0.0, 30.0)
    dry = sounding(given, 2, -80.0)
    wet = dry.copy()
    wet[4800:] += 0.5 * dry[:-4800]  # 100 ms later
    assert len(onsets(wet, RATE_HZ)) == len(given.events_s)


def test_noise_tones_and_silence_begin_nowhere() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 10 * RATE_HZ).astype(np.float32)
    tone = np.sin(np.arange(10 * RATE_HZ) / 20).astype(np.float32)
    for samples in (noise, tone, np.zeros_like(noise), noise[:0], noise[:100]):
        assert len(onsets(samples, RATE_HZ)) == 0
