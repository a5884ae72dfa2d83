"""Spectrograms to look at: powers in a few log-frequency bands, levels in a byte.

What a pixel sounds is the mixture through the pixel's own mask (paper section 5.2, its figure 1c);
an object's mask is its share of the mixture. Both are told band by band, in the log-frequency bins
of the masks, so that nothing has to be transformed again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8]

LEAST_DB = -102.0  # level 0: this and less
STEP_DB = 0.4  # from a level to the next; 255 is 0 dB, that of a square wave of full scale
_TINY = np.float32(1e-20)


class Bands:
    """``count`` bands of equally many log-frequency bins each, as nearly as that goes."""

    def __init__(self, frequency_bins: int, count: int) -> None:
        """``1 <= count <= frequency_bins``."""
        self.count = count
        self._starts = np.linspace(0, frequency_bins, count, endpoint=False).astype(np.intp)

    def of(self, power: Floats) -> Floats:
        """Powers ``(..., F, w)`` float32 to those of the bands: ``(..., count, w)``."""
        summed: Floats = np.add.reduceat(power, self._starts, axis=-2)
        return summed

    def mean(self, power: Floats) -> Floats:
        """The same of all columns together, ``(..., count)``: their mean."""
        columns = power.shape[-1]
        # Bins and columns in one row: a sum over so few columns alone would take longer.
        flat = power.reshape(*power.shape[:-2], -1)
        summed: Floats = np.add.reduceat(flat, self._starts * columns, axis=-1)
        summed /= np.float32(columns)
        return summed


def pixel_powers(masks: Floats, power: Floats, bands: Bands) -> Floats:
    """What each pixel sounds: ``(cells, count)`` float32, the mean over the columns.

    Args:
        masks: ``(cells, F, w)`` float32 in 0..1.
        power: ``(F, w)`` float32, of the mixture.
        bands: of F log-frequency bins.
    """
    passed = np.square(masks)
    passed *= power
    return bands.mean(passed)


def mean_shares(shares: Floats, power: Floats, bands: Bands) -> Floats:
    """Shares ``(N, F, w)`` in 0..1 of the mixture, in bands: ``(N, count, w)``.

    The mean over a band's bins, each counted by its ``power`` (F, w): what sums to 1 bin by bin
    sums to 1 band by band. In silence every bin counts the same.
    """
    weight = power + _TINY
    means: Floats = bands.of(shares * weight) / bands.of(weight)
    return means


def to_levels(power: Floats) -> Levels:
    """Powers of any shape as levels, 0..255."""
    db = 10 * np.log10(np.maximum(power, _TINY))
    levels: Levels = np.clip(np.round((db - LEAST_DB) / STEP_DB), 0, 255).astype(np.uint8)
    return levels


def from_levels(levels: Levels) -> Floats:
    """The powers that levels stand for; 0 of level 0."""
    db = LEAST_DB + STEP_DB * np.arange(256)
    powers = (10 ** (db / 10)).astype(np.float32)
    powers[0] = 0
    found: Floats = powers[levels]
    return found
