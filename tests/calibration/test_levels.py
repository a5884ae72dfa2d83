import numpy as np
import pytest

from calibration.collection import CalibrationError
from calibration.levels import levels

RATE_HZ = 48_000


def playing(loud_db: float, floor_db: float = -70.0, seed: int = 0) -> np.ndarray:
    """Two seconds of noise like music at ``loud_db``, two of quiet; (n, 2)."""
    rng = np.random.default_rng(seed)
    level = np.repeat([10 ** (loud_db / 20), 10 ** (floor_db / 20)], 2 * RATE_HZ)
    return np.repeat((level * rng.choice([-1.0, 1.0], level.size))[:, None], 2, 1).astype(
        np.float32
    )


@pytest.mark.parametrize(
    ("loud_db", "gain_db"), [(-50.0, 27.0), (-40.0, 17.0), (-25.0, 0.0), (-15.0, 0.0)]
)
def test_what_is_quiet_becomes_loud_enough(loud_db: float, gain_db: float) -> None:
    found = levels(playing(loud_db, loud_db - 30), RATE_HZ)
    assert found.loud_db == pytest.approx(loud_db, abs=0.1)
    assert found.floor_db == pytest.approx(loud_db - 30, abs=0.1)
    assert found.gain_db == pytest.approx(gain_db, abs=1)
    assert found.clipped == 0


def test_the_highest_sample_bounds_the_gain() -> None:
    samples = playing(-45.0)
    samples[1000] = 0.25  # -12 dB
    found = levels(samples, RATE_HZ)
    assert found.peak_db == pytest.approx(-12.0, abs=0.1)
    assert found.gain_db == 9.0


def test_full_scale_is_clipped_where_it_lasts() -> None:
    samples = playing(-20.0)
    samples[500] = 1.0  # a single one may be right
    assert levels(samples, RATE_HZ).clipped == 0
    samples[700:705, 0] = -1.0
    assert levels(samples, RATE_HZ).clipped == 5


def test_silence_noise_and_nothing_are_told() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (RATE_HZ, 1)).astype(np.float32)
    with pytest.raises(CalibrationError, match="gives silence"):
        levels(np.zeros((RATE_HZ, 1), np.float32), RATE_HZ)
    with pytest.raises(CalibrationError, match="out of the noise at -40 dB"):
        levels(noise, RATE_HZ)
    with pytest.raises(CalibrationError, match="nothing was recorded"):
        levels(noise[:10], RATE_HZ)
