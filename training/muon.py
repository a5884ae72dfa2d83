"""Muon: momentum whose update is orthogonalised, for the weights of convolutions.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; the scale that
lets it share AdamW's learning rate is from J. Liu et al., "Muon is scalable for LLM training",
2025, equation 4. ``torch.optim.Muon`` takes matrices only; here a kernel counts as a matrix of its
output channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

_ITERATION = (3.4445, -4.7750, 2.0315)  # Jordan's quintic
_ROUNDS = 5
_ADAMW_RMS = 0.2  # of one of AdamW's updates, learning rate 1


class Muon(torch.optim.Optimizer):
    """For parameters of two or more dimensions, the first of them the outputs."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        weight_decay: float = 1e-3,
        momentum: float = 0.95,
    ) -> None:
        """``lr`` and ``weight_decay`` mean what they mean to AdamW; ``lr`` may be a tensor."""
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient; ``closure`` is not supported."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                mean = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                nesterov = weight.grad.lerp(mean, group["momentum"])
                update = orthogonal(nesterov.flatten(1))
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                scale = _ADAMW_RMS * max(update.shape) ** 0.5
                weight.sub_(update.reshape(weight.shape) * (group["lr"] * scale))


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix (n, m) whose singular values are all about 1, by Newton and Schulz.

    Each round multiplies from the left by a polynomial of ``x @ x.T``. These products commute, so
    they are gathered as small squares, and the wide matrix itself is met only twice.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    square = x @ x.T
    unit = torch.eye(len(square), dtype=x.dtype, device=x.device)
    gathered = unit
    a, b, c = _ITERATION
    for _ in range(_ROUNDS):
        factor = a * unit + b * square + c * square @ square
        gathered = factor @ gathered
        square = factor @ square @ factor
    x = gathered @ x
    return x.T if is_tall else x


def optimisers(
    model: nn.Module, lr: float, weight_decay: float = 1e-3
) -> list[torch.optim.Optimizer]:
    """Muon for the kernels of the convolutions in ``model``, AdamW for all else."""
    kernels = [weight for weight in model.parameters() if weight.ndim == 4]
    others = [weight for weight in model.parameters() if weight.ndim != 4]
    return [
        Muon(kernels, lr, weight_decay),
        torch.optim.AdamW(others, lr=lr, weight_decay=weight_decay),
    ]
