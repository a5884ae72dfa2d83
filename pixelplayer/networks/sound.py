"""The audio U-Net (paper section 3, audio analysis).

Submodule names are those of the published checkpoint: ``bn0``, then ``unet_block.model.N…``,
each block's ``model`` holding the next inner block.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
