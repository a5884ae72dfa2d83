"""How much of the mixture comes from each grid cell: the heatmap, and what it is made of.

A cell's energy is that of the mixture through the cell's own mask (paper section 5.2), here over
the last half second. The heat says it in dB relative to the whole mixture.

Heat alone cannot tell a soft instrument from a cell that lets a bit of everything through. The
*salience* can: it is what a cell's mask passes beyond what nearly every cell passes, each frequency
counted by its amplitude, so that a source 15 dB below the other still stands out.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import Analysis
from pixelplayer.warp import LogFrequencyWarp

Floats = NDArray[np.float32]

_TINY = np.float32(1e-20)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergySettings:
    """How the heatmap looks back, and what counts as silence."""

    window_s: float = 0.5  # what is averaged: long enough to be steady, short enough to follow
    silence_dbfs: float = -60.0  # a mixture below this has no heat; a quiet room's level
    floor_db: float = -60.0  # the least heat; darker cannot be told apart on a screen
    fall_db_per_s: float = 60.0  # heat goes out softly, a second from full to dark
    # A mask value found in all but a quarter of the cells is no property of a place ...
    common_quantile: float = 0.25
    # ... unless it is high: then the picture shows little else than one object.
    most_common: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What the cells sound like now; all float32.

    ``heat_db`` ``(h, w)`` in ``floor_db``..0, relative to the mixture; ``salience`` ``(h, w)`` in
    0..1; ``masks`` ``(h * w, F)`` in 0..1, each cell's mask as far as it is not common; and
    ``amplitude`` ``(F,)``, what each frequency counts: it sums to 1, and is 0 in silence.
    """

    heat_db: Floats
    salience: Floats
    masks: Floats
    amplitude: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    duration_s: float
    mixture: Floats  # (F,) power
    passed: Floats  # (F, cells) power times mask
    energy: Floats  # (cells,) power times squared mask


class LogPower:
    """The power of linear frequency bins, gathered at the log-frequency bins of the masks.

    The transpose of ``LogFrequencyWarp.to_linear``: the energy that a mask lets through is the
    product of the two, without any mask being warped.
    """

    def __init__(self, warp: LogFrequencyWarp, analysis: Analysis, frequency_bins: int) -> None:
        to_linear = warp.to_linear(np.eye(frequency_bins, dtype=np.float32))
        # Both halves of the spectrum, and the energy of a Hann window (3/8 of its length):
        # the sum over bins is then the mean square of the samples under the window.
        scale = 2.0 / (0.375 * analysis.n_fft**2)
        self._gather = np.ascontiguousarray(to_linear.T) * np.float32(scale)

    def of(self, spectrum: NDArray[np.complex64]) -> Floats:
        """``(bins, w)`` complex64 to ``(F, w)`` float32; a column sums to its mean square."""
        columns = np.ascontiguousarray(spectrum.T)
        power = columns.real**2 + columns.imag**2
        # Column by column: of a matrix this narrow the product takes longer.
        return np.stack([self._gather @ column for column in power], axis=1)


class PixelEnergy:
    """Heat and salience of a grid of ``height`` by ``width`` cells, block by block."""

    def __init__(self, height: int, width: int, settings: EnergySettings) -> None:
        self._shape = (height, width)
        self._settings = settings
        self._squared: Floats = np.zeros((0, 0), np.float32)  # room for squares of masks
        self.reset()

    def reset(self) -> None:
        """Forget the past, as after a cut."""
        self._moments: deque[_Moment] = deque()
        self._heat_db = np.full(self._shape, self._settings.floor_db, np.float32)

    def update(self, masks: Floats, power: Floats, duration_s: float) -> Heat:
        """Take one block.

        Args:
            masks: ``(cells, F, w)`` float32 in 0..1, cells in row-major order.
            power: ``(F, w)`` float32, of the mixture, from :class:`LogPower`.
            duration_s: what the block lasts.
        """
        flat = masks.reshape(len(masks), -1)
        if self._squared.shape != flat.shape:
            self._squared = np.empty(flat.shape, np.float32)
        np.square(flat, out=self._squared)
        self._moments.append(
            _Moment(
                duration_s=duration_s,
                mixture=power.sum(axis=1),
                passed=np.matmul(masks.swapaxes(0, 1), power[:, :, np.newaxis])[:, :, 0],
                energy=self._squared @ power.reshape(-1),
            )
        )
        while sum(moment.duration_s for moment in self._moments) > self._settings.window_s:
            if len(self._moments) == 1:
                break
            self._moments.popleft()
        return self._heat(columns=power.shape[1], duration_s=duration_s)

    def _heat(self, columns: int, duration_s: float) -> Heat:
        settings = self._settings
        mixture = _total([moment.mixture for moment in self._moments])
        faded = np.maximum(self._heat_db - settings.fall_db_per_s * duration_s, settings.floor_db)
        per_column = duration_s / columns
        mean_square = mixture.sum() * per_column / sum(m.duration_s for m in self._moments)
        if not mean_square > 10 ** (settings.silence_dbfs / 10):
            self._heat_db = faded
            return self._silence(len(mixture))
        energy = _total([moment.energy for moment in self._moments])
        ratio = np.maximum(energy / mixture.sum(), _TINY).reshape(self._shape)
        self._heat_db = np.clip(10 * np.log10(ratio), faded, 0.0, dtype=np.float32)
        masks = self._uncommon(_total([moment.passed for moment in self._moments]), mixture)
        amplitude = np.sqrt(mixture)
        amplitude /= amplitude.sum()
        salience = np.matmul(amplitude, masks).reshape(self._shape)
        return Heat(heat_db=self._heat_db, salience=salience, masks=masks.T, amplitude=amplitude)

    def _silence(self, frequency_bins: int) -> Heat:
        return Heat(
            heat_db=self._heat_db,
            salience=np.zeros(self._shape, np.float32),
            masks=np.zeros((self._heat_db.size, frequency_bins), np.float32),
            amplitude=np.zeros(frequency_bins, np.float32),
        )

    def _uncommon(self, passed: Floats, mixture: Floats) -> Floats:
        """Mean masks ``(F, cells)`` beyond the mask that nearly all cells have in common."""
        masks: Floats = passed / (mixture + _TINY)[:, np.newaxis]
        rank = int(self._settings.common_quantile * masks.shape[1])
        common = np.partition(masks, rank, axis=1)[:, rank]
        np.minimum(common, np.float32(self._settings.most_common), out=common)
        masks -= common[:, np.newaxis]
        np.maximum(masks, 0, out=masks)
        return masks


def _total(parts: list[Floats]) -> Floats:
    total: Floats = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total
