from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.energy import EnergySettings, LogPower, PixelEnergy
from pixelplayer.spec import AudioSpec
from pixelplayer.stft import stft
from pixelplayer.warp import LogFrequencyWarp

AUDIO = AudioSpec(rate_hz=8000, n_fft=512, hop=128, columns=32, frequency_bins=64, warp_base=21.0)
SETTINGS = EnergySettings()
STEP_S = 0.05


def masks(rows: dict[int, np.ndarray], cells: int = 16, bins: int = 8) -> np.ndarray:
    """(cells, bins, 3): 0.05 everywhere but in the cells given."""
    values = np.full((cells, bins), 0.05, np.float32)
    for cell, row in rows.items():
        values[cell] = row
    return np.repeat(values[:, :, np.newaxis], 3, axis=2)


LOW = np.array([1, 1, 1, 1, 0, 0, 0, 0], np.float32)


@pytest.mark.parametrize("rate_hz", [8000, 6000])
def test_the_power_of_a_column_is_the_mean_square_of_its_samples(rate_hz: int) -> None:
    analysis = AUDIO.at_rate(rate_hz)
    samples = np.random.default_rng(1).standard_normal(20000).astype(np.float32)
    warp = LogFrequencyWarp(AUDIO, analysis)
    power = LogPower(warp, analysis, AUDIO.frequency_bins).of(stft(samples, analysis))
    assert power.shape == (64, 20000 // analysis.hop + 2) or power.shape[0] == 64
    np.testing.assert_allclose(power[:, 4:-4].sum(axis=0).mean(), 1.0, rtol=0.05)


def test_power_through_a_mask_needs_no_warp_of_the_mask() -> None:
    analysis = AUDIO.at_rate(8000)
    random = np.random.default_rng(2)
    spectrum = stft(random.standard_normal(4000).astype(np.float32), analysis)
    warp = LogFrequencyWarp(AUDIO, analysis)
    gather = LogPower(warp, analysis, 64)
    mask = random.uniform(0, 1, (64, spectrum.shape[1])).astype(np.float32)
    direct = (np.abs(spectrum) ** 2 * warp.to_linear(mask)).sum()
    gathered = (gather.of(spectrum) * mask).sum() * 0.375 * 512**2 / 2
    np.testing.assert_allclose(gathered, direct, rtol=1e-5)


def test_heat_is_the_energy_through_the_mask_relative_to_the_mixture() -> None:
    energy = PixelEnergy(4, 4, SETTINGS)
    power = np.ones((8, 3), np.float32)
    for _ in range(20):
        heat = energy.update(masks({5: LOW, 6: np.ones(8, np.float32)}), power, STEP_S)
    assert heat.heat_db.shape == heat.salience.shape == (4, 4)
    assert heat.heat_db[1, 1] == pytest.approx(-3.01, abs=0.01)
    assert heat.heat_db[1, 2] == pytest.approx(0, abs=1e-5)
    assert heat.heat_db[0, 0] == pytest.approx(-26.02, abs=0.01)
    assert heat.salience[0, 0] == 0
    assert heat.salience[1, 2] == pytest.approx(0.95, abs=0.001)


def test_heat_goes_out_softly_and_silence_is_dark() -> None:
    energy = PixelEnergy(4, 4, SETTINGS)
    for _ in range(20):
        heat = energy.update(masks({5: LOW}), np.ones((8, 3), np.float32), STEP_S)
    levels = [heat.heat_db[1, 1]]
    for _ in range(40):
        heat = energy.update(masks({5: LOW}), np.zeros((8, 3), np.float32), STEP_S)
        levels.append(heat.heat_db[1, 1])
    assert np.diff(levels).min() >= -SETTINGS.fall_db_per_s * STEP_S - 1e-4
    assert levels[-1] == SETTINGS.floor_db
    assert heat.salience.max() == 0


def test_a_soft_source_stands_out_beside_a_loud_one() -> None:
    energy = PixelEnergy(4, 4, SETTINGS)
    power = np.repeat((LOW + (1 - LOW) * 10**-1.5)[:, np.newaxis], 3, axis=1).astype(np.float32)
    for _ in range(20):
        heat = energy.update(masks({5: LOW, 10: 1 - LOW}), power, STEP_S)
    assert heat.salience[2, 2] > 0.1
    assert np.sort(heat.salience.ravel())[-3] == 0


def test_an_object_that_fills_the_picture_is_heard() -> None:
    energy = PixelEnergy(4, 4, SETTINGS)
    full = {cell: np.full(8, 0.9, np.float32) for cell in range(16)}
    heat = energy.update(masks(full), np.ones((8, 3), np.float32), STEP_S)
    assert heat.salience.min() == pytest.approx(0.6, abs=0.01)


def test_reset_forgets() -> None:
    energy = PixelEnergy(4, 4, SETTINGS)
    first = energy.update(masks({5: LOW}), np.ones((8, 3), np.float32), STEP_S)
    energy.update(masks({7: LOW}), np.ones((8, 3), np.float32), STEP_S)
    energy.reset()
    again = energy.update(masks({5: LOW}), np.ones((8, 3), np.float32), STEP_S)
    np.testing.assert_array_equal(first.heat_db, again.heat_db)
