"""Eyes that say the words of one code, made to say those of another.

Ears that are taught anew are told what plays in the code that nobody learned
(``training.told.ClassSeparator``). Eyes that know other words for the same classes need not be
taught again: their last layer is followed by the least change that takes every class's former
vector to its new one, and the ground to the ground. It is linear in what they say before the
sigmoid, so it becomes part of that layer.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

GROUND = 0.01  # that eyes say, in each component, of what is no instrument
_WEIGHT, _BIAS = "frame_net.fc.weight", "frame_net.fc.bias"


def turned(sight: Mapping[str, Tensor], former: Tensor, code: Tensor) -> dict[str, Tensor]:
    """Weights of eyes that say ``code`` where these say ``former``.

    Args:
        sight: as in ``sight.pt``.
        former: vectors (classes, K) in (0, 1), linearly independent, fewer than K.
        code: as many others.

    Raises:
        ValueError: no such change is there, as vectors are alike or too many.
    """
    ground = torch.full_like(former[:1], GROUND)
    said, wanted = (
        torch.logit(torch.cat([vectors, ground]).double()) for vectors in (former, code)
    )
    points = torch.cat([said, torch.ones_like(said[:, :1])], dim=1)
    # Of all changes that do it, "gelsd" gives the smallest.
    change = torch.linalg.lstsq(points, wanted - said, driver="gelsd").solution.T
    if not torch.allclose(points @ change.T, wanted - said, atol=1e-6):
        raise ValueError(f"no linear change takes these {len(former)} vectors to the others")
    turn, shift = torch.eye(len(change), dtype=torch.float64) + change[:, :-1], change[:, -1]
    weight = torch.einsum("kc,c...->k...", turn, sight[_WEIGHT].double())
    bias = turn @ sight[_BIAS].double() + shift
    return {**sight, _WEIGHT: weight.float().contiguous(), _BIAS: bias.float()}
