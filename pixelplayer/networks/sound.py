"""The audio U-Net (paper section 3, audio analysis).

Submodule names are those of the published checkpoint: ``bn0``, then ``unet_block.model.N…``,
each block's ``model`` holding the next inner block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Column: TypeAlias = int | Tensor  # a number of a column; a tensor where a graph is traced
Layers: TypeAlias = tuple[nn.Conv2d, nn.BatchNorm2d | None]
SLOPE = 0.2  # of what is below zero, on the way down


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
        needs. What comes out is what cropping the whole would give, to rounding.
        """
        outermost, *inner = self.blocks()
        x = lowered(outermost, self.bn0(log_magnitude).transpose(2, 3))
        passed: list[tuple[Column, Tensor]] = []
        for block in inner:
            x = functional.leaky_relu(x, SLOPE)
            passed.append((0, x))
            x = lowered(block, x)
        width = int(log_magnitude.shape[-1]) >> self.levels  # a traced graph keeps it
        return self.risen(x, passed, width, start, stop).transpose(2, 3)

    def blocks(self) -> list[Block]:
        """From the outermost to the innermost."""
        inner = [one for one in self.unet_block.modules() if isinstance(one, _SkipBlock)]
        return [self.unet_block, *inner]

    def risen(
        self,
        innermost: Tensor,
        passed: Sequence[tuple[Column, Tensor]],
        width: int,
        start: Column,
        stop: Column,
    ) -> Tensor:
        """Columns ``start`` to ``stop`` (half-open) of what is decoded: (B, K, stop - start, F).

        Args:
            innermost: (B, C, width, F), the innermost level.
            passed: what went down there, activated, of all other levels from the outermost on: the
                number of its first column, and (B, C, t, F) from there on, at least what is needed.
            width: columns of the innermost level.
            start, stop: of the window.
        """
        blocks = self.blocks()
        wanted = [(start, stop)]
        for _ in blocks:
            wanted.append(_below(*wanted[-1]))
        given = wanted.pop()
        x = innermost[:, :, given[0] : given[1]]
        for level in range(len(blocks) - 1, -1, -1):
            after, until = wanted.pop()
            x = _doubled(functional.relu(x), width, given, (after, until))
            width *= 2
            block = blocks[level]
            conv, norm = block.raising()
            x = functional.conv2d(x, conv.weight.transpose(2, 3), conv.bias, padding=(0, 1))
            if norm is not None:
                x = norm(x)
                first, beside = passed[level - 1]
                x = torch.cat([beside[:, :, after - first : until - first], x], dim=1)
            given = after, until
        return x


def lowered(block: Block, x: Tensor) -> Tensor:
    """The first half of ``block``: half as many columns and bins of the activated (B, C, T, F).

    Args:
        block: one of ``SoundNet.blocks``.
        x: columns before bins: of a few columns, engines compute these much faster.
    """
    conv, norm = block.lowering()
    y = functional.conv2d(x, conv.weight.transpose(2, 3), stride=2, padding=1)
    return y if norm is None else norm(y)


def _below(start: Column, stop: Column) -> tuple[Column, Column]:
    """Columns of half as many that ``start`` to ``stop`` are made from: see ``_doubled``."""
    halo = start // 2 + 1 - 2  # in this order no runtime meets a number below 0 before the end
    halo = halo.clamp(min=0) if isinstance(halo, Tensor) else max(halo, 0)
    return halo, (stop + 1) // 2 + 1


def _doubled(
    x: Tensor, width: int, given: tuple[Column, Column], wanted: tuple[Column, Column]
) -> Tensor:
    """``x`` enlarged by two: the ``wanted`` columns and one beside each end, 0 beyond the window.

    Enlarging with aligned corners depends on the whole width: what lies between two columns is of
    each as much as it is near, whatever part of the window they are taken from.

    Args:
        x: (B, C, t, F), the ``given`` columns of ``width``.
        width: of the whole.
        given, wanted: half-open.
    """
    columns = slice(wanted[0], wanted[1] + 2)
    earlier, later = (
        x.index_select(2, place[columns] - given[0]) * share[columns]
        for place, share in _enlarging(width, x)
    )
    # Were it a sum, it would be taken for one of branches that meet, and have eight bits as well.
    wider = earlier - later
    return functional.interpolate(
        wider, scale_factor=(1.0, 2.0), mode="bilinear", align_corners=True
    )


def _enlarging(width: int, like: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Linear enlargement by two, corners aligned, between zeros.

    Returns:
        The numbers (2 width + 2) of the earlier of the two columns that each one lies between, and
        its shares (2 width + 2, 1); and the same of the later, whose shares are negative.
    """
    places = np.arange(2 * width) * (width - 1) / (2 * width - 1)
    earlier = np.floor(places).astype(np.int64)
    later = np.minimum(earlier + 1, width - 1)
    far = places - earlier

    def padded(place: np.ndarray, share: np.ndarray) -> tuple[Tensor, Tensor]:
        place, share = np.pad(place, 1, mode="edge"), np.pad(share, 1)[:, np.newaxis]
        return (
            torch.from_numpy(place).to(like.device),
            torch.from_numpy(share).to(like.device, like.dtype),
        )

    return padded(earlier, 1 - far), padded(later, -far)


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

    def lowering(self) -> Layers:
        """The way down to the next level."""
        return _convolution(self.model[0]), None

    def raising(self) -> Layers:
        """The way up, after what comes from below was enlarged."""
        return _convolution(self.model[-1]), None


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

    def lowering(self) -> Layers:
        """The way down to the next level."""
        return _convolution(self.model[1]), None

    def raising(self) -> Layers:
        """The way up, after what comes from below was enlarged."""
        return _convolution(self.model[-2]), _norm(self.model[-1])


Block: TypeAlias = _OutermostBlock | _SkipBlock


class _MiddleBlock(_SkipBlock):
    def __init__(self, outer: int, inner: int, submodule: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(SLOPE, inplace=True),
            _down(outer, inner),
            nn.BatchNorm2d(inner),
            submodule,
            nn.ReLU(inplace=True),
            _double(),
            nn.Conv2d(2 * inner, outer, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
        )

    def lowering(self) -> Layers:
        """The way down to the next level."""
        return _convolution(self.model[1]), _norm(self.model[2])


class _InnermostBlock(_SkipBlock):
    def __init__(self, outer: int, inner: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.LeakyReLU(SLOPE, inplace=True),
            _down(outer, inner),
            nn.ReLU(inplace=True),
            _double(),
            nn.Conv2d(inner, outer, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
        )


def _convolution(layer: nn.Module) -> nn.Conv2d:
    assert isinstance(layer, nn.Conv2d)
    return layer


def _norm(layer: nn.Module) -> nn.BatchNorm2d:
    assert isinstance(layer, nn.BatchNorm2d)
    return layer


def _down(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=4, stride=2, padding=1, bias=False)


def _double() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
