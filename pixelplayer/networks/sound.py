"""The audio U-Net (paper section 3, audio analysis).

Submodule names are those of the published checkpoint: ``bn0``, then ``unet_block.model.N…``,
each block's ``model`` holding the next inner block.
"""

from __future__ import annotations

from typing import TypeAlias, TypeGuard

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Column: TypeAlias = int | Tensor  # a number of a column; a tensor where a graph is traced


class SoundNet(nn.Module):
    """Log magnitudes to K sound components.

    Args:
        width: channels of the outermost level (64 in the paper); they double per level, up to
            eight times.
        channels: K, components.
        levels: stride-2 levels, at least 2; F and T are multiples of ``2 ** levels``.
    """

    def __init__(self, width: int, channels: int, levels: int = 7) -> None:
        super().__init__()
        if levels < 2:
            raise ValueError(f"a U-Net has at least 2 levels, got {levels = }")
        self.width, self.levels = width, levels
        widths = [width * min(2**level, 8) for level in range(levels)]
        block: nn.Module = _InnermostBlock(widths[-2], widths[-1])
        for outer, inner in zip(widths[-3::-1], widths[-2:0:-1], strict=True):
            block = _MiddleBlock(outer, inner, block)
        self.bn0 = nn.BatchNorm2d(1)
        self.unet_block = _OutermostBlock(channels, widths[0], block)

    def forward(self, log_magnitude: Tensor) -> Tensor:
        """Sound components, linear.

        Args:
            log_magnitude: (B, 1, F, T) float, natural logarithm of (magnitude + 1e-10).

        Returns:
            (B, K, F, T) float.
        """
        components: Tensor = self.unet_block(self.bn0(log_magnitude))
        return components

    def some(self, log_magnitude: Tensor, start: Column, stop: Column) -> Tensor:
        """The same of columns ``start`` to ``stop`` (half-open) only: (B, K, F, stop - start).

        The window is heard whole; on the way up, every level makes the columns that the next one
        needs. What comes out is what cropping the whole would give, to rounding: enlarging with
        aligned corners depends on the whole width, so it is a matrix, of which rows are taken.
        """
        outermost = self.unet_block.model
        x: Tensor = outermost[0](self.bn0(log_magnitude))
        passed: list[Tensor] = []
        blocks: list[_OutermostBlock | _SkipBlock] = [self.unet_block]
        block: nn.Module = outermost[1]
        while isinstance(block, _SkipBlock):
            blocks.append(block)
            x = functional.leaky_relu(x, 0.2)
            passed.append(x)
            x = block.model[1](x)
            if isinstance(block, _MiddleBlock):
                x = block.model[2](x)
                block = block.model[3]
            else:
                break
        wanted = [(start, stop)]
        for _ in blocks:
            wanted.append(_below(*wanted[-1]))
        width = int(log_magnitude.shape[-1]) >> len(blocks)  # a traced graph keeps it
        given = wanted.pop()
        x = x[..., given[0] : given[1]]
        for block in reversed(blocks):
            after, until = wanted.pop()
            x = _doubled(functional.relu(x), width, given, (after, until))
            width *= 2
            conv = next(layer for layer in reversed(list(block.model)) if _is_conv(layer))
            x = functional.conv2d(x, conv.weight, conv.bias, padding=(1, 0))
            if isinstance(block, _SkipBlock):
                x = block.model[-1](x)
                x = torch.cat([passed.pop()[..., after:until], x], dim=1)
            given = after, until
        return x


def _is_conv(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    return isinstance(layer, nn.Conv2d)


def _below(start: Column, stop: Column) -> tuple[Column, Column]:
    """Columns of half as many that ``start`` to ``stop`` are made from: see ``_doubled``."""
    halo = start // 2 + 1 - 2  # in this order no runtime meets a number below 0 before the end
    halo = halo.clamp(min=0) if isinstance(halo, Tensor) else max(halo, 0)
    return halo, stop // 2 + 2


def _doubled(
    x: Tensor, width: int, given: tuple[Column, Column], wanted: tuple[Column, Column]
) -> Tensor:
    """``x`` enlarged by two: the ``wanted`` columns and one beside each end, 0 beyond the window.

    Args:
        x: the ``given`` columns of ``width``.
        width: of the whole.
        given, wanted: half-open.
    """
    taller = functional.interpolate(x, scale_factor=(2.0, 1.0), mode="bilinear", align_corners=True)
    rows = _enlarging(width, x)[wanted[0] : wanted[1] + 2, given[0] : given[1]]
    return taller @ rows.T


def _enlarging(width: int, like: Tensor) -> Tensor:
    """(2 width + 2, width): linear enlargement by two, corners aligned, between rows of zeros."""
    places = np.arange(2 * width) * (width - 1) / (2 * width - 1)
    nearness = 1 - np.abs(places[:, np.newaxis] - np.arange(width))
    rows = np.pad(np.maximum(nearness, 0), ((1, 1), (0, 0)))
    return torch.from_numpy(rows).to(like.device, like.dtype)


class _OutermostBlock(nn.Module):
    def __init__(self, outputs: int, inner: int, submodule: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(
            _down(1, inner),
            submodule,
            nn.ReLU(inplace=True),
            _double(),
            nn.Conv2d(2 * inner, outputs, kernel_size=3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        components: Tensor = self.model(x)
        return components


class _SkipBlock(nn.Module):
    """Joins its activated input with what it makes of it.

    The published network activates in place, so its skip connections carry the activated tensor;
    here that is written out.
    """

    model: nn.Sequential

    def forward(self, x: Tensor) -> Tensor:
        activation, *rest = self.model
        activated: Tensor = activation(x)
        inner = activated
        for layer in rest:
            inner = layer(inner)
        return torch.cat([activated, inner], dim=1)


class _MiddleBlock(_SkipBlock):
    def __init__(self, outer: int, inner: int, submodule: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(0.2, inplace=True),
            _down(outer, inner),
            nn.BatchNorm2d(inner),
            submodule,
            nn.ReLU(inplace=True),
            _double(),
            nn.Conv2d(2 * inner, outer, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
        )


class _InnermostBlock(_SkipBlock):
    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(0.2, inplace=True),
            _down(outer, inner),
            nn.ReLU(inplace=True),
            _double(),
            nn.Conv2d(inner, outer, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
        )


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)


def _double() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
