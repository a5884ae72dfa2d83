"""Gains on streams, each softly on its way to where it was set. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.messages import RESIDUAL_ID, Streams
from realtime.sinks.mixer import RAMP_S, Ramp


class Faders:
    """A fader per object, by its id, and one for the residual. Who is new begins at its gain."""

    def __init__(self, rate_hz: int) -> None:
        self._ramp_samples = max(1, round(RAMP_S * rate_hz))
        self._ramps: dict[int, Ramp] = {}

    def feed(self, streams: Streams) -> NDArray[np.float32]:
        """The rows of ``streams`` as they are heard: ``(N + 1, n)``."""
        length = streams.samples.shape[1]
        rows = np.empty_like(streams.samples)
        ramps = {}
        for row, object_id in enumerate((*streams.object_ids, RESIDUAL_ID)):
            ramp = self._aim(object_id, streams.gains[row])
            rows[row] = streams.samples[row] * ramp.gains(length, self._ramp_samples)[0]
            ramps[object_id] = ramp.after(length, self._ramp_samples)
        self._ramps = ramps
        return rows

    def _aim(self, object_id: int, gain: float) -> Ramp:
        target = (gain, gain)
        ramp = self._ramps.get(object_id)
        if ramp is None:
            return Ramp(target, target, self._ramp_samples)
        if ramp.target == target:
            return ramp
        return Ramp(ramp.now(self._ramp_samples), target, 0)
