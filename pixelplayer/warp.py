"""Between the transform's linear frequency bins and the networks' logarithmic ones.

Log-frequency bin ``i`` of ``F`` stands at the fraction ``(b^u - 1) / (b - 1)`` of the checkpoint's
Nyquist frequency, with ``u = i / (F - 1)`` and ``b`` the spec's ``warp_base`` (paper section 4.3;
b = 21 there). Both directions interpolate linearly between the two nearest bins, first bin on
first bin and last on last.

The grid is in Hz and belongs to the checkpoint, so it is the same at every sample rate. Below the
checkpoint's own rate, magnitudes above the input's Nyquist frequency are 0; above it, masks beyond
the checkpoint's Nyquist frequency repeat the last log-frequency bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import Analysis, AudioSpec

LOG_FLOOR = 1e-10  # added to magnitudes before their logarithm
_EDGE_BINS = 1e-6  # rounding allowed before a position counts as beyond the last bin


class LogFrequencyWarp:
    """The two interpolations, for one checkpoint at one sample rate."""

    def __init__(self, spec: AudioSpec, analysis: Analysis) -> None:
        base, nyquist_hz = spec.warp_base, spec.rate_hz / 2
        bins_per_hz = analysis.n_fft / analysis.rate_hz

        u = np.linspace(0.0, 1.0, spec.frequency_bins)
        log_hz = nyquist_hz * (base**u - 1) / (base - 1)
        self._to_log = _interpolation(log_hz * bins_per_hz, analysis.bins)

        fraction = np.arange(analysis.bins) / bins_per_hz / nyquist_hz
        logarithm = np.log(np.minimum(fraction, 1.0) * (base - 1) + 1) / np.log(base)
        position = np.minimum(logarithm, 1.0) * (spec.frequency_bins - 1)
        self._to_linear = _interpolation(position, spec.frequency_bins)

        self._magnitude_scale = np.float32(analysis.magnitude_scale)

    def to_log(self, magnitude: NDArray[np.float32]) -> NDArray[np.float32]:
        """Magnitudes ``(..., bins, m)`` float32 at the log-frequency bins: ``(..., F, m)``."""
        return self._to_log.apply(magnitude)

    def to_linear(self, mask: NDArray[np.float32]) -> NDArray[np.float32]:
        """A mask ``(..., F, m)`` float32 at the transform's bins: ``(..., bins, m)``.

        Values stay within those of the mask, and masks that sum to 1 still do.
        """
        return self._to_linear.apply(mask)

    def log_magnitude(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """What the sound network hears of a spectrum ``(..., bins, m)`` complex64.

        Returns:
            ``(..., F, m)`` float32: the natural logarithm of the magnitude that the checkpoint's
            own transform would give, plus ``LOG_FLOOR``.
        """
        magnitude = self.to_log(np.abs(spectrum))
        magnitude *= self._magnitude_scale
        magnitude += np.float32(LOG_FLOOR)
        np.log(magnitude, out=magnitude)
        return magnitude


@dataclass(frozen=True, slots=True)
class _Interpolation:
    """A matrix with at most two neighbouring entries in a row."""

    below: NDArray[np.intp]  # (rows,)
    above: NDArray[np.intp]  # (rows,)
    below_weight: NDArray[np.float32]  # (rows, 1)
    above_weight: NDArray[np.float32]  # (rows, 1)

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Multiply ``(..., columns of the matrix, m)`` float32; the result is contiguous."""
        below = np.take(values, self.below, axis=-2)
        above = np.take(values, self.above, axis=-2)
        below *= self.below_weight
        above *= self.above_weight
        below += above
        return below


def _interpolation(position: NDArray[np.float64], bins: int) -> _Interpolation:
    """Interpolate at fractional bins ``position >= 0``; 0 beyond the last of ``bins`` bins."""
    inside = position <= bins - 1 + _EDGE_BINS
    position = np.minimum(position, bins - 1)
    below = np.floor(position).astype(np.intp)
    fraction = position - below
    return _Interpolation(
        below=below,
        above=np.minimum(below + 1, bins - 1),
        below_weight=np.where(inside, 1 - fraction, 0.0).astype(np.float32)[:, np.newaxis],
        above_weight=np.where(inside, fraction, 0.0).astype(np.float32)[:, np.newaxis],
    )
