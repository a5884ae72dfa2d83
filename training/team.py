"""Processes that train one model together, each on mixtures of its own.

Started by ``torchrun --nproc-per-node N -m training.…``; a process started alone is a team of one.
"""

from __future__ import annotations

import os
import time
import weakref
from collections import deque
from collections.abc import Iterable

import torch
from torch import Tensor, distributed


class Team:
    """This process's place among those that train together.

    All of them call the same methods in the same order.
    """

    def __init__(self) -> None:
        """Meet the others that ``torchrun`` started, if it did."""
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self._messages: deque[weakref.ref[Tensor]] = deque(maxlen=8)  # the latest
        if self.size > 1:
            distributed.init_process_group("gloo")

    def __enter__(self) -> Team:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.size == 1:
            return
        # Gloo's threads let go of a message a moment after everybody has it, and for that they
        # need the interpreter: in a process that ends meanwhile they abort (torch 2.13).
        while kind is None and any(message() is not None for message in self._messages):
            time.sleep(0.001)
        distributed.destroy_process_group()

    def device(self, kind: str) -> str:
        """Of this process: every one has a CUDA device of its own."""
        return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if kind == "cuda" else kind

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace every floating-point tensor by its mean over the team, in place."""
        averaged = [tensor for tensor in tensors if tensor.is_floating_point()]
        if self.size == 1 or not averaged:
            return
        # One message for all: a hundred small ones would each wait for the slowest process.
        flat = torch.cat([tensor.reshape(-1) for tensor in averaged])
        distributed.all_reduce(flat)
        self._messages.append(weakref.ref(flat))
        flat /= self.size
        parts = flat.split([tensor.numel() for tensor in averaged])
        for tensor, part in zip(averaged, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def first(self, value: float) -> float:
        """The value that the first process holds."""
        if self.size == 1:
            return value
        held = torch.tensor([value], dtype=torch.float64)
        distributed.broadcast(held, src=0)
        self._messages.append(weakref.ref(held))
        return float(held)
