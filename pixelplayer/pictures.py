"""What a visual network is given to see: colours as they are, or as ImageNet's networks expect."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

PictureInput: TypeAlias = Literal["unit", "imagenet"]
PICTURE_INPUTS: Final = ("unit", "imagenet")

MEAN: Final = (0.485, 0.456, 0.406)  # of ImageNet's pictures, RGB in 0..1
DEVIATION: Final = (0.229, 0.224, 0.225)


def prepared(pictures: NDArray[np.float32], wanted: PictureInput) -> NDArray[np.float32]:
    """Pictures ``(B, 3, H, W)`` float32, RGB in 0..1, as a network's graph wants them.

    Args:
        pictures: left as they are.
        wanted: ``unit`` as given; ``imagenet`` less ImageNet's mean, by its deviation, as the
            published networks were trained (their graphs begin with the first convolution).
    """
    if wanted == "unit":
        return pictures
    mean, deviation = (
        np.array(values, np.float32).reshape(3, 1, 1) for values in (MEAN, DEVIATION)
    )
    normal: NDArray[np.float32] = (pictures - mean) / deviation
    return normal
