"""Pictures in another light, many at once and on any device: ``training.filming`` for batches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

GREY_SHARE, SOFT_SHARE, GRAIN_SHARE, CROSSED_SHARE = 0.15, 0.25, 0.25, 0.3


def relit(pictures: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 → the same in other colours, some softer, some grainy."""
    count, device = len(pictures), pictures.device

    def drawn(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.empty(count, channels, 1, 1, device=device).uniform_(low, high)

    def some(share: float) -> Tensor:
        return torch.rand(count, 1, 1, 1, device=device) < share

    bent = pictures.clamp(1e-3, 1) ** torch.exp(drawn(-0.35, 0.35))
    seen = bent * drawn(0.75, 1.25) * drawn(0.9, 1.1, 3) + drawn(-0.06, 0.06)
    grey = seen.mean(dim=1, keepdim=True)
    seen = torch.where(some(GREY_SHARE), torch.lerp(seen, grey, drawn(0, 1)), seen)
    soft = functional.avg_pool2d(seen, 3, stride=1, padding=1, count_include_pad=False)
    seen = torch.where(some(SOFT_SHARE), torch.lerp(seen, soft, drawn(0, 1)), seen)
    grain = torch.randn_like(seen) * drawn(0, 0.03)
    return torch.where(some(GRAIN_SHARE), seen + grain, seen).clamp(0, 1)


def mirrored(*fields: Tensor) -> tuple[Tensor, ...]:
    """Half of the examples turned left to right, in all fields (B, …, W) alike."""
    turned = torch.rand(len(fields[0]), device=fields[0].device) < 0.5
    return tuple(
        torch.where(turned.view(-1, *(1 for _ in field.shape[1:])), field.flip(-1), field)
        for field in fields
    )


def crossed(pictures: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Some scenes continued by another one beyond an upright line between cells.

    Args:
        pictures: (B, 3, H, W).
        cells: (B, h, w), whose grid H and W are multiples of.
    """
    count, columns = len(cells), cells.shape[-1]
    is_other = torch.rand(count, 1, device=cells.device) < CROSSED_SHARE
    line = torch.randint(1, columns, (count, 1), device=cells.device)
    beyond = is_other & (torch.arange(columns, device=cells.device) >= line)  # (B, w)
    wide = beyond.repeat_interleave(pictures.shape[-1] // columns, dim=1)
    return (
        torch.where(wide[:, None, None, :], pictures.roll(1, 0), pictures),
        torch.where(beyond[:, None, :], cells.roll(1, 0), cells),
    )
