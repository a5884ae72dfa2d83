"""Streams without end that can be taken up anywhere; each worker of a loader makes every nth item.

A stream that remembers what it made is cut into blocks, and begins each with a seed of its own.
Which item comes when then depends on its number alone, and on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import TypeVar

import numpy as np
import torch

Item = TypeVar("Item")


def unending(
    made: Callable[[np.random.Generator], Iterator[Item]], *, seed: int, first: int, block: int
) -> Iterator[Item]:
    """This worker's items of the stream whose next item is number ``first``.

    Args:
        made: items without end, from one generator.
        seed: of the whole stream.
        first: how many items all workers together have made before.
        block: items of one worker after which it begins with another generator. Up to so many are
            made in vain where a stream is taken up.
    """
    worker = torch.utils.data.get_worker_info()
    number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
    lane = (first + number) % workers  # the loader asks its first worker first
    before = max(0, -(-(first - lane) // workers))
    begun, skipped = divmod(before, block)
    for index in count(begun):
        yield from islice(made(np.random.default_rng((seed, lane, index))), skipped, block)
        skipped = 0
