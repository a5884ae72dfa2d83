"""The visual network: ResNet-18 of stride 16 whose last stage is dilated (paper section 3).

Submodule names are those of the published checkpoint: ``features.0`` … ``features.7`` are
torchvision's children of a ResNet without pooling and classifier, ``fc`` is the 3x3 head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pixelplayer.pictures import DEVIATION, MEAN, PictureInput


class FrameNet(nn.Module):
    """Pictures to a grid of visual feature logits.

    Args:
        width: channels of the first stage (64 in the paper); the last has eight times as many.
        channels: K, features per grid cell.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer(
            "deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False
        )
        self.features = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            _stage(width, width),
            _stage(width, 2 * width, stride=2),
            _stage(2 * width, 4 * width, stride=2),
            _stage(4 * width, 8 * width, dilation=2),
        )
        self.fc = nn.Conv2d(8 * width, channels, kernel_size=3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of the visual features.

        Args:
            pictures: (B, 3, H, W) float, RGB in [0, 1]; H and W are multiples of 16.

        Returns:
            (B, K, H/16, W/16) float, before the sigmoid.
        """
        logits: Tensor = self.fc(self.features((pictures - self.mean) / self.deviation))
        return logits


class VisualFeatures(nn.Module):
    """A ``FrameNet`` followed by its sigmoid: what ``vision.onnx`` computes.

    Args:
        frame_net: the network.
        picture: what it is given: pictures in [0, 1], or ``imagenet``'s normalised ones.
    """

    def __init__(self, frame_net: FrameNet, picture: PictureInput = "unit") -> None:
        super().__init__()
        self.frame_net = frame_net
        self._picture = picture

    def forward(self, pictures: Tensor) -> Tensor:
        """As ``FrameNet.forward``; the result is in (0, 1)."""
        net = self.frame_net
        if self._picture == "imagenet":
            return torch.sigmoid(net.fc(net.features(pictures)))
        return torch.sigmoid(net(pictures))


class _BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; ``dilations`` are theirs, in order."""

    def __init__(
        self, inputs: int, outputs: int, *, stride: int, dilations: tuple[int, int]
    ) -> None:
        super().__init__()
        first, second = dilations
        self.conv1 = _conv3x3(inputs, outputs, stride=stride, dilation=first)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _conv3x3(outputs, outputs, stride=1, dilation=second)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Sequential | None = None
        if inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        total: Tensor = self.relu(self.bn2(self.conv2(y)) + shortcut)
        return total


def _stage(inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Two blocks. The first convolution stands where the stride was, and so is not yet dilated."""
    return nn.Sequential(
        _BasicBlock(inputs, outputs, stride=stride, dilations=(1, dilation)),
        _BasicBlock(outputs, outputs, stride=1, dilations=(dilation, dilation)),
    )


def _conv3x3(inputs: int, outputs: int, *, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(
        inputs, outputs, 3, stride=stride, padding=dilation, dilation=dilation, bias=False
    )
