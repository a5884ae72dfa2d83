"""What eyes have said of instruments in pictures, for the ears to learn with.

A class's row of the table is what the eyes should say; what they do say of a picture is weaker,
and takes after what looks alike. Ears that have heard both are not surprised. ``training.look``
writes the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Glimpses:
    """Visual vectors (n, K) in (0, 1), and of which class each is, (n,) int64."""

    vectors: Tensor
    classes: Tensor

    def of(self, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """One drawn at random for each of ``wanted`` (…,): (…, K), and where there is one (…,)."""
        shuffled = torch.randperm(len(self.classes))
        drawn = torch.zeros(*wanted.shape, self.vectors.shape[1])
        found = torch.zeros(wanted.shape, dtype=torch.bool)
        for label in wanted.unique():
            rows = shuffled[self.classes[shuffled] == label]
            if len(rows):
                places = wanted == label
                drawn[places] = self.vectors[rows[torch.arange(int(places.sum())) % len(rows)]]
                found |= places
        return drawn, found


def read_glimpses(work: Path) -> Glimpses:
    """What ``work/glimpses.npz`` holds."""
    with np.load(work / "glimpses.npz") as kept:
        return Glimpses(
            torch.from_numpy(kept["vectors"].astype(np.float32)),
            torch.from_numpy(kept["classes"].astype(np.int64)),
        )
