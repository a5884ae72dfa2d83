"""The audio U-Net that ships: the paper's shape, made for a third of its work and for any level.

What differs from ``pixelplayer.networks.sound``, and why (docs/decisions/0011): transposed
convolutions rise a level in one step, where the paper's enlarge first and then convolve four times
as many points; and the window's own level is taken out before anything looks at it, so that no
weight is spent on how far the microphone stands.
"""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Column: TypeAlias = int | Tensor  # a number of a column; a tensor where a graph is traced

_FLOOR = 1e-3  # of the window's level: -60 dB; what is softer is not told from silence


class LiveSoundNet(nn.Module):
    """Log magnitudes to K sound components.

    Args:
        width: channels of the outermost level; they double per level, up to eight times.
        channels: K, components.
        levels: stride-2 levels, at least 2; F and T are multiples of ``2 ** levels``.
    """

    def __init__(self, width: int, channels: int, levels: int = 7) -> None:
        super().__init__()
        if levels < 2:
            raise ValueError(f"a U-Net has at least 2 levels, got {levels = }")
        self.width, self.levels = width, levels
        widths = [width * min(2**level, 8) for level in range(levels)]
        self.bn0 = nn.BatchNorm2d(1)
        self.down = nn.ModuleList(
            _down(inputs, outputs, is_normal=0 < level < levels - 1)
            for level, (inputs, outputs) in enumerate(zip([1, *widths], widths, strict=False))
        )
        # All but the innermost rise from what came up and what went down there.
        self.up = nn.ModuleList(
            _up(widths[level] * (1 if level == levels - 1 else 2), widths[level - 1])
            for level in range(levels - 1, 0, -1)
        )
        self.last = nn.ConvTranspose2d(2 * width, channels, kernel_size=4, stride=2, padding=1)

    def forward(self, log_magnitude: Tensor) -> Tensor:
        """Sound components, linear.

        Args:
            log_magnitude: (B, 1, F, T) float, natural logarithm of (magnitude + 1e-10).

        Returns:
            (B, K, F, T) float.
        """
        return self.some(log_magnitude, 0, log_magnitude.shape[-1])

    def some(self, log_magnitude: Tensor, start: Column, stop: Column) -> Tensor:
        """The same of columns ``start`` to ``stop`` (half-open) only: (B, K, F, stop - start).

        The window is heard whole; on the way up, every level makes the columns that the next one
        needs. What comes out is exactly what cropping the whole would give.
        """
        x: Tensor = self.bn0(levelled(log_magnitude).to(self.bn0.weight.dtype))
        passed = []
        for layer in self.down:
            x = functional.leaky_relu(layer(x), 0.2)
            passed.append(x)
        wanted = [(start, stop)]
        for _ in self.up:
            wanted.append(_below(*wanted[-1]))
        first, last = _below(*wanted[-1])
        x = passed.pop()[..., first:last]
        for layer, (after, until) in zip(self.up, reversed(wanted[1:]), strict=True):
            risen = _cropped(functional.relu(layer(x)), first, after, until)
            x = torch.cat([risen, passed.pop()[..., after:until]], dim=1)
            first = after
        return _cropped(self.last(x), first, start, stop)


def _below(start: Column, stop: Column) -> tuple[Column, Column]:
    """Columns of half as many that a transposed convolution makes ``start`` to ``stop`` from."""
    # A column comes from the two nearest. Written without numbers below 0, which integer division
    # rounds differently in every runtime.
    halo = (start + 1) // 2 - 1
    halo = halo.clamp(min=0) if isinstance(halo, Tensor) else max(halo, 0)
    return halo, stop // 2 + 1


def _cropped(risen: Tensor, first: Column, start: Column, stop: Column) -> Tensor:
    """Columns ``start`` to ``stop`` of what was made from column ``first`` of half as many on."""
    return risen[..., start - 2 * first : stop - 2 * first]


def levelled(log_magnitude: Tensor) -> Tensor:
    """The same at level 0: relative to the root of the window's mean square, above a floor.

    Args:
        log_magnitude: (B, 1, F, T) float.

    Returns:
        (B, 1, F, T) float, at least ``log(1e-3)``. A window of silence is all floor.
    """
    magnitude = log_magnitude.float().exp()
    level = magnitude.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-8
    relative: Tensor = torch.log(magnitude / level + _FLOOR)
    return relative


def _down(inputs: int, outputs: int, *, is_normal: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)]
    if is_normal:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers)


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
    )
