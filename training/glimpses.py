"""What eyes have said of instruments in pictures, for the ears to learn with.

A class's row of the table is what the eyes should say; what they do say of a picture is weaker,
and takes after what looks alike. Ears that have heard both are not surprised. ``training.look``
writes the file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class Glimpses:
    """Visual vectors (n, K) in (0, 1), and of which class each is, (n,) int64."""

    def __init__(self, vectors: Tensor, classes: Tensor) -> None:
        self.classes, order = torch.sort(classes, stable=True)
        self.vectors = vectors[order]

    def of(self, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """One drawn at random for each of ``wanted`` (…,): (…, K), and where there is one (…,)."""
        wanted = wanted.contiguous()
        first = torch.searchsorted(self.classes, wanted)
        count = torch.searchsorted(self.classes, wanted, right=True) - first
        rows = first + (torch.rand(wanted.shape) * count).long()
        drawn = self.vectors[rows.clamp(max=len(self.vectors) - 1)]
        is_there = count > 0
        return drawn * is_there.unsqueeze(-1), is_there


def read_glimpses(work: Path) -> Glimpses:
    """What ``work/glimpses.npz`` holds."""
    with np.load(work / "glimpses.npz") as kept:
        return Glimpses(
            torch.from_numpy(kept["vectors"].astype(np.float32)),
            torch.from_numpy(kept["classes"].astype(np.int64)),
        )
