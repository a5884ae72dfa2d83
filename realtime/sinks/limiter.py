"""A limiter without look-ahead: bit-exact below its threshold, never above full scale.

Above the threshold the peak is bent by a tanh knee. The gain it needs is applied at once and
released at a constant rate in decibels, so a loud passage is turned down and not clipped sample
by sample. A release that is linear in dB is a running minimum,

    g[n] = min over k <= n of (wanted[k] + (n - k) * release),

which is what makes it vectorise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLD_DBFS = -1.0
RELEASE_DB_PER_S = 60.0


@dataclass(slots=True)
class LimiterState:
    """What the limiter remembers between two calls: its gain in dB, at most 0."""

    gain_db: float = 0.0


class Limiter:
    """Keep (channels, samples) float32 within full scale; all channels share one gain."""

    def __init__(
        self,
        rate_hz: int,
        threshold_dbfs: float = THRESHOLD_DBFS,
        release_db_per_s: float = RELEASE_DB_PER_S,
    ) -> None:
        """`rate_hz` sets how fast the gain comes back; below the threshold nothing is changed."""
        self._threshold: float = 10.0 ** (threshold_dbfs / 20.0)
        self._release_db = release_db_per_s / rate_hz
        self._state = LimiterState()

    @property
    def gain_db(self) -> float:
        """The gain after the last sample fed, in dB, at most 0."""
        return self._state.gain_db

    def reset(self) -> None:
        """Forget any reduction in progress."""
        self._state = LimiterState()

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Limit (channels, samples); the same array comes back where there is nothing to do."""
        if samples.shape[-1] == 0:
            return samples
        peak = np.abs(samples).max(axis=0).astype(np.float64)
        loud = peak > self._threshold
        if self._state.gain_db >= 0.0 and not bool(loud.any()):
            return samples
        wanted_db = np.zeros_like(peak)
        wanted_db[loud] = 20.0 * np.log10(self._knee(peak[loud]) / peak[loud])
        ramp = self._release_db * np.arange(1, peak.size + 1)
        lowest = np.minimum.accumulate(wanted_db - ramp)
        gain_db = np.minimum(np.minimum(lowest, self._state.gain_db) + ramp, 0.0)
        self._state = LimiterState(gain_db=float(gain_db[-1]))
        return np.asarray(samples * 10.0 ** (gain_db / 20.0), dtype=np.float32)

    def _knee(self, peak: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where a peak above the threshold comes out: the same slope at the threshold, below 1."""
        room = 1.0 - self._threshold
        bent: NDArray[np.float64] = np.tanh((peak - self._threshold) / room)
        return self._threshold + room * bent
