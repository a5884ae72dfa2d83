import numpy as np
import pytest

from calibration.collection import CalibrationError
from calibration.loop import BURSTS, bursts, loop_delay, place_of, played

RATE_HZ = 16_000


def heard(delay_s: float, noise: float, seed: int = 0) -> np.ndarray:
    """What a microphone in a room gives: late, weaker, with echoes and noise."""
    rng = np.random.default_rng(seed)
    dry = played(bursts(RATE_HZ))
    samples = np.zeros(len(dry) + 3 * RATE_HZ)
    for later_s, gain in ((0.0, 0.3), (0.011, 0.15), (0.027, -0.1)):
        start = round((delay_s + later_s) * RATE_HZ)
        samples[start : start + len(dry)] += gain * dry
    return (samples + rng.normal(0, noise, samples.size)).astype(np.float32)


@pytest.mark.parametrize("delay_s", [0.0, 0.012, 0.25, 1.4])
def test_every_burst_is_found_in_a_noisy_room(delay_s: float) -> None:
    samples = heard(delay_s, noise=0.03)  # as loud as the bursts
    said = bursts(RATE_HZ)
    found = [place_of(one, samples, one.start - 2, one.start + 2 * RATE_HZ) for one in said]
    delays_ms = np.array(
        [1000 * (place - one.start) / RATE_HZ for one, (place, _) in zip(said, found, strict=True)]
    )
    result = loop_delay(delays_ms, np.array([sharp for _, sharp in found]))
    assert result.ms == pytest.approx(1000 * delay_s, abs=0.1)
    assert result.heard == result.said == BURSTS
    assert result.spread_ms < 0.2


def test_noise_alone_is_no_burst() -> None:
    said = bursts(RATE_HZ)
    noise = np.random.default_rng(1).normal(0, 0.1, 8 * RATE_HZ).astype(np.float32)
    sharp = [place_of(one, noise, one.start, one.start + 2 * RATE_HZ)[1] for one in said]
    assert max(sharp) < 7
    with pytest.raises(CalibrationError, match="heard 0 of 8 bursts"):
        loop_delay(np.zeros(BURSTS), np.array(sharp))
    assert place_of(said[0], noise[:10], 0, 5) == (0.0, 0.0)


def test_a_delay_that_moves_is_told() -> None:
    with pytest.raises(CalibrationError, match="not the same twice"):
        loop_delay(np.arange(8.0) * 20, np.full(8, 50.0))


def test_a_burst_that_was_lost_does_no_harm() -> None:
    delays_ms = np.array([30.0, 30.1, 900.0, 30.2, 30.0, 80.0, 30.1, 30.1])
    sharp = np.array([50.0, 50, 2, 50, 50, 50, 50, 50])
    found = loop_delay(delays_ms, sharp)
    assert found.ms == pytest.approx(30.1)
    assert (found.heard, found.said) == (6, 8)
