"""Streams to stereo: a gain per object, softly ramped, and a place between the ears. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.messages import RESIDUAL_ID, Streams
from realtime.sinks.limiter import Limiter

RAMP_S = 0.020  # a gain is in its new place after this long

PanLaw = Callable[[float], tuple[float, float]]


def equal_power(pan: float) -> tuple[float, float]:
    """Left and right gain for a pan of -1..1; unity on both ears in the middle."""
    angle = (min(max(pan, -1.0), 1.0) + 1.0) * math.pi / 4.0
    return math.sqrt(2.0) * math.cos(angle), math.sqrt(2.0) * math.sin(angle)


def centred(pan: float) -> tuple[float, float]:
    """Everything in the middle: both ears hear the same, wherever the object stands."""
    return 1.0, 1.0


@dataclass(frozen=True, slots=True)
class Ramp:
    """A smooth way from one pair of gains to another, `done_samples` of it behind us."""

    start: tuple[float, float]
    target: tuple[float, float]
    done_samples: int

    def gains(self, samples: int, length_samples: int) -> NDArray[np.float32]:
        """The next `samples` gains as (2, samples)."""
        place = (self.done_samples + np.arange(1, samples + 1)) / length_samples
        place = np.minimum(place, 1.0)
        smooth = place * place * (3.0 - 2.0 * place)
        start = np.asarray(self.start)[:, None]
        target = np.asarray(self.target)[:, None]
        # start + (target - start) is not target to the last bit: a finished ramp is exact.
        gains = np.where(place >= 1.0, target, start + (target - start) * smooth)
        return gains.astype(np.float32)

    def after(self, samples: int, length_samples: int) -> Ramp:
        """The same ramp `samples` later."""
        return Ramp(self.start, self.target, min(self.done_samples + samples, length_samples))

    def now(self, length_samples: int) -> tuple[float, float]:
        """The pair of gains at this moment."""
        if self.done_samples >= length_samples:
            return self.target
        place = self.done_samples / length_samples
        smooth = place * place * (3.0 - 2.0 * place)
        left, right = (
            start + (target - start) * smooth
            for start, target in zip(self.start, self.target, strict=True)
        )
        return left, right


class Mixer:
    """Mix streams to stereo. With every gain 1 and the pan off it is a transparent wire.

    An object that is heard for the first time starts at its own gain: its sound has just left
    another row of the same message, so a fade-in would leave a hole in the sum.
    """

    def __init__(self, rate_hz: int, pan_law: PanLaw = equal_power) -> None:
        """`pan_law` is `equal_power`, or `centred` to switch the pan off."""
        self._ramp_samples = max(1, round(RAMP_S * rate_hz))
        self._pan_law = pan_law
        self._limiter = Limiter(rate_hz)
        self._ramps: dict[int, Ramp] = {}

    def reset(self) -> None:
        """Forget all gains."""
        self._ramps.clear()
        self._limiter.reset()

    def feed(self, streams: Streams) -> NDArray[np.float32]:
        """The mix of one message as float32 (2, samples), within full scale."""
        rows = (*streams.object_ids, RESIDUAL_ID)
        samples = streams.samples.shape[1]
        ramps = {
            object_id: self._aim(object_id, streams.gains[row], streams.pans[row])
            for row, object_id in enumerate(rows)
        }
        # Most gains stay as they are: all of these rows in one product.
        gains = np.array([ramp.target for ramp in ramps.values()], np.float32)
        moving = [
            row for row, ramp in enumerate(ramps.values()) if ramp.done_samples < self._ramp_samples
        ]
        gains[moving] = 0.0
        mix = np.einsum("rc,rn->cn", gains, streams.samples, dtype=np.float64)
        for row in moving:
            ramp = ramps[rows[row]]
            mix += ramp.gains(samples, self._ramp_samples) * streams.samples[row]
        self._ramps = {
            object_id: ramp.after(samples, self._ramp_samples) for object_id, ramp in ramps.items()
        }
        return self._limiter.feed(mix.astype(np.float32))

    def _aim(self, object_id: int, gain: float, pan: float) -> Ramp:
        left, right = self._pan_law(pan)
        target = (gain * left, gain * right)
        ramp = self._ramps.get(object_id)
        if ramp is None:
            return Ramp(target, target, self._ramp_samples)
        if ramp.target == target:
            return ramp
        return Ramp(ramp.now(self._ramp_samples), target, 0)
