"""State dicts with the names and shapes of the published checkpoints, and what they compute.

Written from the published description, layer by layer, with nothing of ``pixelplayer`` in it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Shapes = dict[str, tuple[int, ...]]


def norm(name: str, channels: int) -> Shapes:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (channels,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def published_frame(width: int, channels: int) -> Shapes:
    """torchvision's ResNet-18 without its pooling and classifier, and the 3x3 head."""
    shapes: Shapes = {"features.0.weight": (width, 3, 7, 7), **norm("features.1", width)}
    inputs = width
    for stage in range(4):
        outputs = width * 2**stage
        for block in range(2):
            name = f"features.{4 + stage}.{block}"
            shapes[f"{name}.conv1.weight"] = (outputs, inputs, 3, 3)
            shapes |= norm(f"{name}.bn1", outputs)
            shapes[f"{name}.conv2.weight"] = (outputs, outputs, 3, 3)
            shapes |= norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                shapes[f"{name}.downsample.0.weight"] = (outputs, inputs, 1, 1)
                shapes |= norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    return shapes | {"fc.weight": (channels, 8 * width, 3, 3), "fc.bias": (channels,)}


def published_sound(width: int, channels: int) -> Shapes:
    """The recursive U-Net of seven levels: outermost, five with a submodule, innermost."""
    shapes: Shapes = {"unet_block.model.0.weight": (width, 1, 4, 4), **norm("bn0", 1)}
    name, outer = "unet_block.model.1.model", width
    for inner in (2 * width, 4 * width, 8 * width, 8 * width, 8 * width):
        shapes[f"{name}.1.weight"] = (inner, outer, 4, 4)
        shapes |= norm(f"{name}.2", inner)
        shapes[f"{name}.6.weight"] = (outer, 2 * inner, 3, 3)
        shapes |= norm(f"{name}.7", outer)
        name, outer = f"{name}.3.model", inner
    shapes[f"{name}.1.weight"] = (8 * width, outer, 4, 4)
    shapes[f"{name}.4.weight"] = (outer, 8 * width, 3, 3)
    shapes |= norm(f"{name}.5", outer)
    return shapes | {
        "unet_block.model.4.weight": (channels, 2 * width, 3, 3),
        "unet_block.model.4.bias": (channels,),
    }


def random(shapes: Shapes) -> dict[str, Tensor]:
    return {key: torch.rand(shape) for key, shape in shapes.items()}


def published(width: int, channels: int) -> tuple[dict[str, Tensor], ...]:
    return (
        random(published_frame(width, channels)),
        random(published_sound(width, channels)),
        {"scale": torch.rand(channels), "bias": torch.rand(1)},
    )


def lively(states: tuple[dict[str, Tensor], ...]) -> tuple[dict[str, Tensor], ...]:
    """The same with weights of both signs and of such a size that nothing dies or explodes."""
    for state in states:
        for key, value in state.items():
            if value.ndim == 4:
                gain = 0.1 if key == "fc.weight" else 2.0  # its sigmoid must not be 0 or 1
                value.sub_(0.5).mul_((12 / value[0].numel()) ** 0.5 * gain)
            elif key.endswith("bias"):
                value.sub_(0.5)
            elif key.endswith("running_var"):
                value.add_(0.5)
    return states


def _norm(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return functional.batch_norm(x, mean, variance, state[f"{name}.weight"], state[f"{name}.bias"])


def _residual(state: dict[str, Tensor], name: str, x: Tensor, how: tuple[int, int, int]) -> Tensor:
    """torchvision's basic block; ``how``: stride, then the dilations of its two convolutions."""
    stride, first, second = how
    weight = state[f"{name}.conv1.weight"]
    y = functional.conv2d(x, weight, stride=stride, padding=first, dilation=first)
    y = _norm(state, f"{name}.bn1", y).relu()
    y = functional.conv2d(y, state[f"{name}.conv2.weight"], padding=second, dilation=second)
    y = _norm(state, f"{name}.bn2", y)
    if f"{name}.downsample.0.weight" in state:
        x = functional.conv2d(x, state[f"{name}.downsample.0.weight"], stride=stride)
        x = _norm(state, f"{name}.downsample.1", x)
    return (x + y).relu()


def frame_features(state: dict[str, Tensor], frames: Tensor) -> Tensor:
    """ResNet-18 whose fourth stage has stride 1 and dilation 2; normalised frames in.

    Dilating replaces the stride of the stage's first convolution by 1 and leaves that one alone;
    every other 3x3 convolution of the stage is dilated by 2, with padding 2.
    """
    x = functional.conv2d(frames, state["features.0.weight"], stride=2, padding=3)
    x = functional.max_pool2d(_norm(state, "features.1", x).relu(), 3, stride=2, padding=1)
    for stage, blocks in {
        "features.4": ((1, 1, 1), (1, 1, 1)),
        "features.5": ((2, 1, 1), (1, 1, 1)),
        "features.6": ((2, 1, 1), (1, 1, 1)),
        "features.7": ((1, 1, 2), (1, 2, 2)),
    }.items():
        for number, how in enumerate(blocks):
            x = _residual(state, f"{stage}.{number}", x, how)
    return functional.conv2d(x, state["fc.weight"], state["fc.bias"], padding=1)


def sound_components(state: dict[str, Tensor], log_spectrogram: Tensor) -> Tensor:
    """The U-Net of seven levels; its skip connections carry the activated tensor."""

    def double(x: Tensor) -> Tensor:
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)

    def block(name: str, x: Tensor) -> Tensor:
        skip = functional.leaky_relu(x, 0.2)
        y = functional.conv2d(skip, state[f"{name}.1.weight"], stride=2, padding=1)
        is_innermost = f"{name}.4.weight" in state
        if not is_innermost:
            y = block(f"{name}.3.model", _norm(state, f"{name}.2", y))
        up, norm = (f"{name}.4", f"{name}.5") if is_innermost else (f"{name}.6", f"{name}.7")
        y = functional.conv2d(double(y.relu()), state[f"{up}.weight"], padding=1)
        return torch.cat([skip, _norm(state, norm, y)], dim=1)

    x = _norm(state, "bn0", log_spectrogram)
    x = functional.conv2d(x, state["unet_block.model.0.weight"], stride=2, padding=1)
    x = double(block("unet_block.model.1.model", x).relu())
    last = "unet_block.model.4"
    return functional.conv2d(x, state[f"{last}.weight"], state[f"{last}.bias"], padding=1)
