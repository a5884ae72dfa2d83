"""The visual teacher: an ImageNet MobileNetV2 read from an npz of folded weights.

Only distillation uses it; nothing of it is shipped.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.commands import UnusableError

_STRIDE_2_BLOCKS = frozenset({1, 3, 6, 13})
# Channels that come out of the first convolution's block, and of the 16 after it.
_OUTPUTS = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
_WIDER = 6  # times, a block is inside


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    """The layers, and the shapes of their weights."""
    yield "Conv1", (32, 3, 3, 3)
    yield "expanded_conv_depthwise", (32, 1, 3, 3)
    yield "expanded_conv_project", (_OUTPUTS[0], 32, 1, 1)
    for block, (given, made) in enumerate(pairwise(_OUTPUTS), 1):
        inside = _WIDER * given
        yield f"block_{block}_expand", (inside, given, 1, 1)
        yield f"block_{block}_depthwise", (inside, 1, 3, 3)
        yield f"block_{block}_project", (made, inside, 1, 1)
    yield "Conv_1", (1280, _OUTPUTS[-1], 1, 1)


def open_teacher(data: Path) -> Teacher:
    """The teacher of a data folder, ``data/teacher/*.npz``, ready to look.

    Raises:
        UnusableError: there is none, or the file is something else.
    """
    files = sorted((data / "teacher").glob("*.npz"))
    if not files:
        raise UnusableError(
            f"{data / 'teacher'} holds no *.npz, the network that sees for the student to learn; "
            'docs/models.md says what it holds ("The teacher"). Without one: '
            f"python -m training separate --bank {data} --work runs/paper"
        )
    teacher = Teacher(files[0]).eval()
    return teacher.to(memory_format=torch.channels_last)


class Teacher(nn.Module):
    """MobileNetV2 1.0 up to its last 1280-channel map, stride 32.

    Batch norm is folded into the weights; activations are ReLU6; stride-2 convolutions pad the
    right and the bottom only, as the Keras original does.
    """

    def __init__(self, weights: Path) -> None:
        """Read ``<layer>.weight`` and ``<layer>.bias`` of every layer.

        Raises:
            UnusableError: the file cannot be read, lacks one, or has one of another shape.
        """
        super().__init__()
        try:
            with np.load(weights) as file:
                arrays = {key: file[key].astype(np.float32) for key in file}
        except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            raise UnusableError(
                f"{weights} cannot be read ({error}); docs/models.md says what it holds"
            ) from error
        for layer, shape in _shapes():
            for kind, wanted in (("weight", shape), ("bias", shape[:1])):
                array = arrays.get(f"{layer}.{kind}")
                if array is None or array.shape != wanted:
                    found = "is missing" if array is None else f"is {array.shape}"
                    raise UnusableError(
                        f"{weights}: {layer}.{kind} {found}, expected {wanted}; docs/models.md "
                        "says what a teacher holds"
                    )
                self.register_buffer(f"{layer}__{kind}", torch.from_numpy(array))

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
