"""Processes that make mixtures while a model learns from others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from torch.utils.data import DataLoader, Dataset

AHEAD = 3  # batches that each worker has ready: made unevenly, they are learned from evenly

Item_co = TypeVar("Item_co", covariant=True)


def loader(
    made: Dataset[Item_co], numbers: Iterable[list[int]], workers: int, *, pinned: bool = False
) -> DataLoader[Item_co]:
    """Batches of what ``made`` makes of ``numbers``, in order.

    Args:
        made: mixtures by number.
        numbers: of each batch.
        workers: processes that make them; 0: whoever asks.
        pinned: into memory from which a GPU copies while it computes.
    """
    return DataLoader(
        made,
        batch_sampler=numbers,  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        pin_memory=pinned,
    )
