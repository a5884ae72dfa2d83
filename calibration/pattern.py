"""The pattern that can be seen and heard: flashes that each begin with a beep. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EVENTS = 20
_LEAD_S = 2.0  # until exposure and gain have settled
_GAPS_S = (0.55, 1.15)  # irregular, so that only one offset fits
_TAIL_S = 1.2
_FLASH_S = 0.160  # two pictures of a slow camera
_BEEP_S = 0.060
_BEEP_HZ = (1500.0, 2500.0)
_ATTACK_S = 0.001
_RELEASE_S = 0.020
_LEVEL = 0.5
_SEED = 6


class Pattern:
    """``EVENTS`` flashes and beeps; they begin together at ``instants_s``."""

    def __init__(self, events: int = EVENTS) -> None:
        gaps_s = np.random.default_rng(_SEED).uniform(*_GAPS_S, events)
        self.instants_s: NDArray[np.float64] = _LEAD_S + np.cumsum(gaps_s) - gaps_s[0]
        self.duration_s = float(self.instants_s[-1]) + _TAIL_S

    def is_lit(self, at_s: float) -> bool:
        """Whether it is light ``at_s`` after its beginning."""
        place = int(np.searchsorted(self.instants_s, at_s, side="right")) - 1
        return place >= 0 and at_s - float(self.instants_s[place]) < _FLASH_S

    def sound(self, rate_hz: int) -> NDArray[np.float32]:
        """The beeps, ``(n,)``."""
        samples = np.zeros(round(self.duration_s * rate_hz), np.float32)
        time_s = np.arange(round(_BEEP_S * rate_hz)) / rate_hz
        low_hz, high_hz = _BEEP_HZ
        phase = 2 * np.pi * (low_hz + (high_hz - low_hz) / 2 * time_s / _BEEP_S) * time_s
        rise = np.minimum(time_s / _ATTACK_S, 1.0)
        fall = np.minimum((_BEEP_S - time_s) / _RELEASE_S, 1.0)
        beep = (_LEVEL * rise * fall * np.sin(phase)).astype(np.float32)
        for instant_s in self.instants_s:
            start = round(float(instant_s) * rate_hz)
            samples[start : start + len(beep)] = beep
        return samples
