import numpy as np
import pytest

from realtime.sinks.limiter import Limiter

RATE_HZ = 44_100


def tone(amplitude: float, samples: int = 4410) -> np.ndarray:
    phase = 2 * np.pi * 440.0 * np.arange(samples) / RATE_HZ
    return (amplitude * np.stack([np.sin(phase), np.cos(phase)])).astype(np.float32)


def test_below_the_threshold_it_is_a_wire():
    loud = tone(0.89)
    assert Limiter(RATE_HZ).feed(loud) is loud


@pytest.mark.parametrize("amplitude", [0.9, 1.0, 2.0, 50.0])
def test_never_above_full_scale(amplitude):
    limited = Limiter(RATE_HZ).feed(tone(amplitude))
    assert limited.dtype == np.float32
    assert np.abs(limited).max() <= 1.0


def test_both_channels_share_one_gain():
    samples = tone(1.0)
    samples[0] *= 3.0
    limited = Limiter(RATE_HZ).feed(samples)
    loud = np.abs(samples).min(axis=0) > 0.01
    gains = limited[:, loud] / samples[:, loud]
    np.testing.assert_allclose(gains[0], gains[1], rtol=1e-4)


def test_it_lets_go_smoothly_and_returns_to_a_wire():
    limiter = Limiter(RATE_HZ)
    limiter.feed(tone(4.0))
    reduced_db = limiter.gain_db
    assert reduced_db < -6.0
    quiet = np.full((2, RATE_HZ), 0.1, dtype=np.float32)
    limited = limiter.feed(quiet)
    steps_db = np.diff(20 * np.log10(limited[0] / 0.1))
    assert steps_db.max() < 0.002
    assert limiter.gain_db == 0.0
    assert limiter.feed(quiet) is quiet


def test_chunks_do_not_matter():
    generator = np.random.default_rng(1)
    samples = generator.normal(0.0, 0.7, (2, 5000)).astype(np.float32)
    whole = Limiter(RATE_HZ).feed(samples)
    limiter = Limiter(RATE_HZ)
    cuts = np.sort(generator.integers(0, 5000, 20))
    parts = [limiter.feed(part) for part in np.split(samples, cuts, axis=1)]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)


def test_reset_forgets_the_reduction():
    limiter = Limiter(RATE_HZ)
    limiter.feed(tone(4.0))
    limiter.reset()
    assert limiter.gain_db == 0.0
