"""Which columns of a mixture a step of training learns from, and how much each counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pixelplayer.spec import FRAME_COLUMNS

JUDGED_COLUMNS = 56  # of a training window, in one step
LIVE_COLUMNS = slice(-9, -3)  # around those that a live step takes, 93 ms behind the newest
_BEGINNING = 4  # columns in which a stream has hardly begun


class Judge(Protocol):
    """Chooses columns by the number of the step."""

    def columns(self, columns: int, step: int) -> slice:
        """Those of a window of ``columns`` that ``step`` learns from."""

    def weighted(self, weight: Tensor, step: int) -> Tensor:
        """Loss weights (B, 1, F, t) of ``columns``, as ``step`` counts them."""


@dataclass(frozen=True, slots=True)
class OfStream:
    """All that a stream hears in good time, at a lookahead that changes from step to step.

    ``lookaheads`` are in frames; the further, the more often: ``shares`` of the steps.
    """

    lookaheads: tuple[int, ...]
    shares: tuple[float, ...]

    def lookahead(self, step: int) -> int:
        """In frames, the same for all who train together."""
        return int(np.random.default_rng(step).choice(self.lookaheads, p=self.shares))

    def columns(self, columns: int, step: int) -> slice:
        """All but the first few, and the last, whose future is not there."""
        return slice(_BEGINNING, columns - FRAME_COLUMNS * max(self.lookahead(step), 0))

    def weighted(self, weight: Tensor, _step: int) -> Tensor:
        """All alike."""
        return weight


@dataclass(frozen=True, slots=True)
class OfWindow:
    """Which columns a step learns from, and how much each counts.

    Neighbouring columns say nearly the same, and the columns are what costs most.
    ``newest_share`` of the steps, 0..1, learn from the ``newest`` columns, where live masks are
    taken, and the others from some that lie anywhere. Of the newest, those of a live step count
    ``live_weight`` times as much.
    """

    newest: int = JUDGED_COLUMNS
    newest_share: float = 0.5
    live_weight: float = 4.0

    def is_newest(self, step: int) -> bool:
        """Whether ``step`` learns from the newest columns."""
        return math.floor((step + 1) * self.newest_share) > math.floor(step * self.newest_share)

    def columns(self, columns: int, step: int) -> slice:
        """Those of a window of ``columns`` that ``step`` learns from."""
        if self.is_newest(step):
            return slice(columns - min(self.newest, columns), columns)
        length = min(JUDGED_COLUMNS, columns)
        start = (step // 2 * 37) % (columns - length + 1)
        return slice(start, start + length)

    def weighted(self, weight: Tensor, step: int) -> Tensor:
        """Loss weights (B, 1, F, t) of ``columns``, more where live masks are taken.

        Gently: of the columns that see the whole window, live ones too learn most.
        """
        if not self.is_newest(step):
            return weight
        heavier = torch.ones(weight.shape[-1], device=weight.device)
        heavier[LIVE_COLUMNS] = self.live_weight
        return weight * (heavier / heavier.mean())
