"""Bands and levels against one bin, one column, one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.bands import Bands, Floats, from_levels, mean_shares, pixel_powers, to_levels
from pixelplayer.energy import EnergySettings, PixelEnergy

CELLS, BINS, COLUMNS = 6, 10, 3


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def band_of(frequency_bin: int, count: int) -> int:
    """The last band that begins no later."""
    return max(band for band in range(count) if BINS * band // count <= frequency_bin)


@pytest.mark.parametrize("count", [1, 3, 4, BINS])
def test_what_a_pixel_sounds_is_the_mixture_through_its_mask(
    rng: np.random.Generator, count: int
) -> None:
    masks = rng.random((CELLS, BINS, COLUMNS), np.float32)
    power = rng.random((BINS, COLUMNS), np.float32)
    wanted = np.zeros((CELLS, count))
    for cell in range(CELLS):
        for frequency_bin in range(BINS):
            for column in range(COLUMNS):
                amplitude = masks[cell, frequency_bin, column] * np.sqrt(
                    power[frequency_bin, column]
                )
                wanted[cell, band_of(frequency_bin, count)] += amplitude**2 / COLUMNS
    found = pixel_powers(masks, power, Bands(BINS, count))
    assert found == pytest.approx(wanted, rel=1e-5)


def test_all_that_a_pixel_sounds_is_its_heat(rng: np.random.Generator) -> None:
    """The energy of figure 1d is the sum of the sounds of figure 1c."""
    masks = rng.random((CELLS, BINS, COLUMNS), np.float32)
    power = rng.random((BINS, COLUMNS), np.float32)
    energy = PixelEnergy(2, 3, EnergySettings())
    heat_db = energy.update(masks, power, duration_s=0.1).heat_db
    sounds = pixel_powers(masks, power, Bands(BINS, 4)).sum(axis=1)
    relative_db = 10 * np.log10(sounds / power.sum(axis=0).mean())
    assert heat_db.ravel() == pytest.approx(relative_db, abs=1e-3)


def test_shares_are_the_means_of_what_is_there(rng: np.random.Generator) -> None:
    shares = rng.random((3, BINS, COLUMNS), np.float32)
    shares /= shares.sum(axis=0)
    power = rng.random((BINS, COLUMNS), np.float32) ** 4
    found = mean_shares(shares, power, Bands(BINS, 4))
    wanted = np.zeros((3, 4, COLUMNS))
    for row in range(3):
        for band in range(4):
            for column in range(COLUMNS):
                bins = [one for one in range(BINS) if band_of(one, 4) == band]
                part = [shares[row, one, column] * power[one, column] for one in bins]
                wanted[row, band, column] = sum(part) / sum(power[one, column] for one in bins)
    assert found == pytest.approx(wanted, rel=1e-4)
    assert found.sum(axis=0) == pytest.approx(np.ones((4, COLUMNS)), abs=1e-5)


def test_in_silence_shares_are_as_they_are() -> None:
    shares = np.full((2, BINS, 1), 0.5, np.float32)
    found = mean_shares(shares, np.zeros((BINS, 1), np.float32), Bands(BINS, 2))
    assert found == pytest.approx(np.full((2, 2, 1), 0.5))


def test_levels_come_back_to_half_a_step() -> None:
    power: Floats = (10 ** (np.linspace(-101.5, 0, 500) / 10)).astype(np.float32)
    back = from_levels(to_levels(power))
    assert np.abs(10 * np.log10(back / power)).max() < 0.2 + 1e-3
    assert to_levels(np.array([0.0, 1e-12, 1.0, 99.0], np.float32)).tolist() == [0, 0, 255, 255]
    assert from_levels(np.zeros(1, np.uint8)) == 0
