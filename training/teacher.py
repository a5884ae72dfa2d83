"""The visual teacher: an ImageNet MobileNetV2 read from an npz of folded weights.

Only distillation uses it; nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_STRIDE_2_BLOCKS = frozenset({1, 3, 6, 13})


class Teacher(nn.Module):
    """MobileNetV2 1.0 up to its last 1280-channel map, stride 32.

    Batch norm is folded into the weights; activations are ReLU6; stride-2 convolutions pad the
    right and the bottom only, as the Keras original does.
    """

    def __init__(self, weights: Path) -> None:
        super().__init__()
        with np.load(weights) as file:
            self._names = sorted({key.rsplit(".", 1)[0] for key in file})
            for key in file:
                self.register_buffer(
                    key.replace(".", "__"), torch.from_numpy(file[key].astype(np.float32))
                )

    def forward(self, pictures: Tensor) -> Tensor:
        """``pictures`` (B, 3, H, W) RGB in [0, 1] → (B, 1280, H/32, W/32)."""
        x = self._conv("Conv1", pictures, stride=2).clamp(0, 6)
        x = self._depthwise("expanded_conv_depthwise", x, 1).clamp(0, 6)
        x = self._conv("expanded_conv_project", x)
        for block in range(1, 17):
            name = f"block_{block}"
            y = self._conv(f"{name}_expand", x).clamp(0, 6)
            stride = 2 if block in _STRIDE_2_BLOCKS else 1
            y = self._depthwise(f"{name}_depthwise", y, stride).clamp(0, 6)
            y = self._conv(f"{name}_project", y)
            x = x + y if x.shape == y.shape else y
        return self._conv("Conv_1", x).clamp(0, 6)

    def _conv(self, name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight, bias = self._weights(name)
        if stride == 2:
            x = functional.pad(x, (0, 1, 0, 1))
        return functional.conv2d(x, weight, bias, stride=stride)

    def _depthwise(self, name: str, x: Tensor, stride: int) -> Tensor:
        weight, bias = self._weights(name)
        padding = (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1)
        x = functional.pad(x, padding)
        return functional.conv2d(x, weight, bias, stride=stride, groups=x.shape[1])

    def _weights(self, name: str) -> tuple[Tensor, Tensor]:
        return self.get_buffer(f"{name}__weight"), self.get_buffer(f"{name}__bias")
