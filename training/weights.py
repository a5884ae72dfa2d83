"""Weights of other trainings, taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


def mean_weights(several: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The weights in the middle between those of trainings that began as one.

    Running means of batch norms are not those of the middle: they are to be estimated anew, by
    some steps at rate 0.
    """
    return {
        name: torch.stack([weights[name].double() for weights in several]).mean(0).to(value.dtype)
        for name, value in several[0].items()
    }


def warm(model: nn.Module, weights: Mapping[str, Tensor]) -> list[str]:
    """Take over the weights that fit by name and shape; give the names of those that do not."""
    own = model.state_dict()
    fitting = {
        name: value
        for name, value in weights.items()
        if name in own and own[name].shape == value.shape
    }
    model.load_state_dict(own | fitting)
    return sorted(own.keys() - fitting.keys())
