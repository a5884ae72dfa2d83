"""Weights of several trainings, brought together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def mean_weights(several: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The weights in the middle between those of trainings that began as one.

    Running means of batch norms are not those of the middle: they are to be estimated anew, by
    some steps at rate 0.
    """
    return {
        name: torch.stack([weights[name].double() for weights in several]).mean(0).to(value.dtype)
        for name, value in several[0].items()
    }
