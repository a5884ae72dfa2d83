"""Examples kept where a model learns, so that each is learned from several times.

To compose a scene or to ask a teacher takes a processor much longer than a GPU takes to learn from
it. What was made goes into a stock on the device; batches are drawn from it at random, and every
batch made is followed by as many drawn ones as it is to be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

Example = tuple[Tensor, ...]  # a batch: the first dimension of each counts


class Stock:
    """The newest ``size`` examples, on ``device``."""

    def __init__(self, size: int, device: torch.device) -> None:
        self._size, self._device = size, device
        self._kept: list[Tensor] = []
        self._count = self._next = 0

    def add(self, batch: Sequence[Tensor]) -> None:
        """Take the place of the oldest.

        Raises:
            ValueError: the batch is larger than the stock.
        """
        count = len(batch[0])
        if count > self._size:
            raise ValueError(f"a batch of {count} in a stock of {self._size}")
        if not self._kept:
            self._kept = [
                torch.empty(self._size, *part.shape[1:], dtype=part.dtype, device=self._device)
                for part in batch
            ]
        places = (self._next + torch.arange(count)) % self._size
        for kept, part in zip(self._kept, batch, strict=True):
            kept[places.to(self._device)] = part.to(self._device, non_blocking=True)
        self._next = (self._next + count) % self._size
        self._count = min(self._count + count, self._size)

    def draw(self, count: int) -> Example:
        """``count`` at random, each perhaps more than once."""
        places = torch.randint(self._count, (count,), device=self._device)
        return tuple(kept[places] for kept in self._kept)


def to_bytes(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 → uint8, a quarter of the memory."""
    return (pictures * 255 + 0.5).to(torch.uint8)


def drawn(
    made: Iterator[Sequence[Tensor]], stock: Stock, *, batch: int, uses: int
) -> Iterator[Example]:
    """Endless batches of ``batch`` examples, for each of which ``uses`` are drawn on average."""
    learned = added = 0
    while True:
        while added * uses <= learned:
            fresh = next(made)
            stock.add(fresh)
            added += len(fresh[0])
        learned += batch
        yield stock.draw(batch)
