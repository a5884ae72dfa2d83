"""When a sample was captured: a straight line through sample counts and clock readings."""

from __future__ import annotations

import numpy as np

from realtime.clock import NS_PER_S

WINDOW = 512  # observations; 5 s of callbacks every 10 ms
WORST_DRIFT = 1e-3  # crystals are within 1e-4 of their nominal rate; more is a mistaken fit
JUMP_S = 0.050  # an observation so far off the line says that time was lost: begin anew


class SampleClock:
    """Maps sample numbers to instants, free of the jitter of single observations.

    The line follows the device's true rate (drift), within ``WORST_DRIFT`` of the nominal one.
    """

    def __init__(self, rate_hz: int) -> None:
        self._period_ns = NS_PER_S / rate_hz
        self._samples = np.zeros(WINDOW)  # relative to the first observation
        self._lateness_ns = np.zeros(WINDOW)  # against a clock of exactly the nominal rate
        self._origin = (0, 0)
        self._seen = 0
        self._offset_ns = 0.0
        self._slope = 0.0
        self.jumps = 0

    def observe(self, sample: int, now_ns: int) -> None:
        """``sample`` was captured at about ``now_ns``. Sample numbers only grow."""
        if self._seen and abs(now_ns - self.time_ns(sample)) > JUMP_S * NS_PER_S:
            self._seen = 0
            self.jumps += 1
        if not self._seen:
            self._origin = (sample, now_ns)
        place = self._seen % WINDOW
        elapsed = sample - self._origin[0]
        self._samples[place] = elapsed
        self._lateness_ns[place] = now_ns - self._origin[1] - elapsed * self._period_ns
        self._seen += 1
        self._fit()

    def time_ns(self, sample: int) -> int:
        """When ``sample`` was captured; only after the first observation."""
        elapsed = sample - self._origin[0]
        expected_ns = elapsed * (self._period_ns + self._slope) + self._offset_ns
        return self._origin[1] + round(expected_ns)

    def _fit(self) -> None:
        count = min(self._seen, WINDOW)
        samples = self._samples[:count]
        lateness_ns = self._lateness_ns[:count]
        centre = samples.mean()
        spread = samples - centre
        weight = float(spread @ spread)
        slope = 0.0
        if count == WINDOW and weight > 0:  # a short line says nothing about drift
            slope = float(spread @ lateness_ns) / weight
        limit = WORST_DRIFT * self._period_ns
        self._slope = min(max(slope, -limit), limit)
        self._offset_ns = float(lateness_ns.mean()) - self._slope * float(centre)
