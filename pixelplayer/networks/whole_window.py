"""The paper's U-Net for whole windows, with a quarter of the multiplications on the way up.

A decoder's level enlarges what comes from below by two and convolves it. Enlarging acts on each
channel by itself, and each tap of a convolution on each place by itself, so the two change places:
channels are mixed where there are few places, into a map for each tap; these are enlarged, moved by
their taps, and added. What comes out is the same to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.networks.sound import SLOPE, Block, SoundNet

_TAPS, _MIDDLE = range(3), 1  # of a convolution along each axis; the middle one does not move


class WholeWindow(nn.Module):
    """What a ``SoundNet`` in evaluation mode computes, computed sooner.

    Args:
        network: whose weights it has.
    """

    unit: Tensor

    def __init__(self, network: SoundNet) -> None:
        super().__init__()
        self.network = network
        channels = network.blocks()[0].raising()[0].out_channels
        self.register_buffer("unit", torch.eye(channels), persistent=False)

    def forward(self, log_magnitude: Tensor) -> Tensor:
        """As ``SoundNet.forward``: (B, 1, F, T) to (B, K, F, T)."""
        bins, columns = (int(side) for side in log_magnitude.shape[2:])  # a traced graph keeps them
        outermost, *inner = self.network.blocks()
        x = _lowered(outermost, self.network.bn0(log_magnitude))
        passed: list[Tensor] = []
        for block in inner:
            x = functional.leaky_relu(x, SLOPE)
            passed.append(x)
            x = _lowered(block, x)
        for block in reversed(inner):
            x = torch.cat([passed.pop(), _raised(block, x)], dim=1)
        x = _raised(outermost, x)
        # Engines have channels innermost, the result has them outermost. A product with the unit
        # matrix is how OpenVINO gets them there soonest: 6 ms less than its own change of layout.
        points = x.permute(0, 2, 3, 1).flatten(1, 2)
        planes = torch.matmul(self.unit, points.transpose(1, 2))
        return planes.reshape(-1, len(self.unit), bins, columns)


def _lowered(block: Block, x: Tensor) -> Tensor:
    convolution, norm = block.lowering()
    y: Tensor = convolution(x)
    return y if norm is None else norm(y)


def _raised(block: Block, x: Tensor) -> Tensor:
    """The second half of ``block``: (B, C, h, w) to (B, D, 2 h, 2 w)."""
    weight, bias = _folded(block)
    # Not a ReLU: OpenVINO 2026.4 moves what rounds to eight bits from behind one to before the join
    # of branches, and then computes something else (0 dB of error at the fourth level).
    x = x.clamp(min=0)

    def mixed(row: int, column: int) -> Tensor:
        """The map of one tap: a convolution each, as to take one apart costs as much as to make."""
        middle = row == column == _MIDDLE
        # Those beside the middle of an axis are negative, and subtracted. Were they added, their
        # sums would be taken for those of branches that meet, and have eight bits.
        sign = (-1) ** (row + column)
        tap = sign * weight[:, :, row : row + 1, column : column + 1]
        return functional.conv2d(x, tap, bias if middle else None)

    rows = [_joined([mixed(row, column) for column in _TAPS], axis=3) for row in _TAPS]
    return _joined(rows, axis=2)


def _joined(maps: Sequence[Tensor], axis: int) -> Tensor:
    """Enlarged along ``axis``, each moved by its tap, taken together."""
    factors = (2.0, 1.0) if axis == 2 else (1.0, 2.0)
    before, at, after = (
        functional.interpolate(one, scale_factor=factors, mode="bilinear", align_corners=True)
        for one in maps
    )
    # What stands beyond the ends is 0, as where a convolution is padded.
    if axis == 2:
        later = functional.pad(before[:, :, :-1], (0, 0, 1, 0))
        return at - later - functional.pad(after[:, :, 1:], (0, 0, 0, 1))
    later = functional.pad(before[..., :-1], (1, 0))
    return at - later - functional.pad(after[..., 1:], (0, 1))


def _folded(block: Block) -> tuple[Tensor, Tensor]:
    """Weight and bias of a level's way up, batch norm included."""
    convolution, norm = block.raising()
    weight = convolution.weight
    bias = weight.new_zeros(len(weight)) if convolution.bias is None else convolution.bias
    if norm is None:
        return weight, bias
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None and variance is not None  # batch norms here keep them
    gain = norm.weight / torch.sqrt(variance + norm.eps)
    return weight * gain[:, None, None, None], norm.bias + (bias - mean) * gain
