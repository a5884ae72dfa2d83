"""What masks are judged by: each alone, and as shares of a mixture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

MASK_POWER = 1.5  # with which masks share the mixture as they learn; of a player, model.json's


def share_loss(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of the shares that a player would give the sounding sources, (B, Q, F, T).

    In the player the masks of the objects share the mixture (``pixelplayer.masks.share``); what
    counts there is which source has more, not how sure the network is of each. The residual's
    claim is left out: it belongs to the model's description, not to its weights.
    """
    sounding = targets.amax(dim=(2, 3), keepdim=True) > 0
    claims = MASK_POWER * functional.logsigmoid(logits)
    claims = claims.masked_fill(~sounding, -1e4)
    loss = -(targets * torch.log_softmax(claims, dim=1)).sum(dim=1, keepdim=True)
    return (loss * weight).sum() / weight.sum()


def mask_loss(logits: Tensor, targets: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy of each mask alone against its source's part of the mixture, weighted."""
    loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (loss * weight).sum() / (weight.sum() * logits.shape[1])
