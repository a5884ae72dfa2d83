"""How much later one recording says the same as another, second by second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The delay of the sound around ``at_s``. ``likeness`` is the correlation there, 0..1."""

    at_s: float
    delay_s: float
    likeness: float


def delays(
    said: Samples, heard: Samples, rate_hz: int, *, heard_later_s: float, longest_s: float
) -> tuple[Delay, ...]:
    """Cross-correlate a quarter of every second of ``said`` with what was ``heard`` from then on.

    Played by another clock, noise is unlike itself before a whole second is over. It is the loudest
    quarter: one that holds little but a sound's end is as like what was there before.

    Args:
        said, heard: ``(n,)`` and ``(m,)``, recorded side by side.
        rate_hz: of both.
        heard_later_s: how much later the first sample of ``heard`` was than that of ``said``.
        longest_s: no delay is longer.

    Returns:
        One for each second that is not silent and that ``heard`` covers.
    """
    found = []
    offset = round(heard_later_s * rate_hz)
    reach = round(longest_s * rate_hz)
    for start in range(0, len(said) - rate_hz + 1, rate_hz):
        at = start + _loudest(said[start : start + rate_hz], rate_hz // 4)
        piece = said[at : at + rate_hz // 4]
        begin = at - offset
        around = heard[max(begin, 0) : begin + len(piece) + reach]
        if begin < 0 or len(around) < len(piece) + reach or not piece.any():
            continue
        lag, likeness = _best_lag(piece, around)
        # What rounding the offset to a sample took away is given back.
        exact_s = lag / rate_hz + (heard_later_s - offset / rate_hz)
        found.append(Delay(at_s=at / rate_hz, delay_s=exact_s, likeness=likeness))
    return tuple(found)


def _loudest(second: Samples, length: int) -> int:
    """Where in ``second`` the loudest ``length`` samples begin, by eighths of it."""
    starts = range(0, len(second) - length + 1, len(second) // 8)
    return max(starts, key=lambda start: float(np.square(second[start : start + length]).sum()))


def _best_lag(piece: Samples, around: Samples) -> tuple[int, float]:
    """Where in ``around`` the piece is found, and the normalised correlation there."""
    size = 1 << (len(around) + len(piece) - 1).bit_length()
    product = np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj()
    lags = len(around) - len(piece) + 1
    correlation = np.fft.irfft(product, size)[:lags]
    powers = np.concatenate([[0.0], np.cumsum(np.square(around, dtype=np.float64))])
    energy = powers[len(piece) :][:lags] - powers[:lags]
    level = np.sqrt(np.maximum(energy, 1e-12) * np.square(piece, dtype=np.float64).sum())
    likeness = np.abs(correlation) / level
    best = int(np.argmax(likeness * (energy > 1e-6 * energy.max())))
    return best, float(likeness[best])
