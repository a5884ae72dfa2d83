"""How far a training has come, by steps or by the clock, and the learning rate by that."""

from __future__ import annotations

import math
from dataclasses import dataclass


def cosine(progress: float) -> float:
    """Learning rate factor: a short rise, then half a cosine down to 1 %."""
    return min(1.0, progress / 0.02) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a training is: ``steps`` if there are any, else ``minutes``.

    By steps it comes to the same result however often it is stopped and started again; by the clock
    every machine, and every run, gets as far as it gets.
    """

    minutes: float
    steps: int | None = None

    def passed(self, step: int, used_s: float) -> float:
        """How much of it, 0 to 1."""
        share = used_s / 60 / self.minutes if self.steps is None else step / self.steps
        return min(share, 1.0)
