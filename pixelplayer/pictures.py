"""What a visual network is given to see: pictures in good light, in the colours it expects.

A stage is dark, and cameras expose for its lights. Networks learn from photographs, which are not:
of unseen ones, darkened by an exponent of 3, the network named 44 % of the instruments' cells
rightly, brightened again 58 %, and 59 % as they were.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

PictureInput: TypeAlias = Literal["unit", "imagenet"]
PICTURE_INPUTS: Final = ("unit", "imagenet")

MEAN: Final = (0.485, 0.456, 0.406)  # of ImageNet's pictures, RGB in 0..1
DEVIATION: Final = (0.229, 0.224, 0.225)


_BRIGHT = 0.4  # mean of a picture that needs no more light; photographs have 0.3 to 0.7
_MOST = 0.45  # exponent: how much light is given at most, so that night stays night


def exposed(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Dark pictures with more light, bright ones as they are.

    Args:
        pictures: ``(B, 3, H, W)`` float32 in 0..1, multiples of 1/255; left as they are.

    Returns:
        The same to the power of one exponent for each picture, from 0.45 to 1, that brings its mean
        towards 0.4.
    """
    lit = pictures
    for number, mean in enumerate(pictures.mean(axis=(1, 2, 3), dtype=np.float64)):
        if mean >= _BRIGHT:
            continue
        if lit is pictures:
            lit = pictures.copy()
        # By a table: a power of every pixel would take ten times as long.
        lit[number] = _light(float(mean))[(pictures[number] * 255 + 0.5).astype(np.uint8)]
    return lit


def _light(mean: float) -> NDArray[np.float32]:
    """(256,): what the levels of a picture with this mean, 0..1, become."""
    levels: NDArray[np.float32] = np.arange(256, dtype=np.float32) / np.float32(255)
    if mean >= _BRIGHT:
        return levels
    exponent = max(np.log(_BRIGHT) / np.log(max(mean, 1e-3)), _MOST)
    lit: NDArray[np.float32] = (levels**exponent).astype(np.float32)
    return lit


def tables(mean: float, wanted: PictureInput) -> NDArray[np.float32]:
    """``prepared`` of a single picture, level by level.

    Args:
        mean: of the picture, 0..1.
        wanted: as for ``prepared``.

    Returns:
        ``(3, 256)`` float32: what each level of red, green and blue becomes.
    """
    ready: NDArray[np.float32] = _as_wanted(np.tile(_light(mean), (3, 1, 1)), wanted)[:, 0]
    return ready


def prepared(pictures: NDArray[np.float32], wanted: PictureInput) -> NDArray[np.float32]:
    """Pictures ``(B, 3, H, W)`` float32, RGB in 0..1, exposed, as a network's graph wants them.

    Args:
        pictures: left as they are.
        wanted: ``unit`` in 0..1; ``imagenet`` less ImageNet's mean, by its deviation, as the
            published networks were trained (their graphs begin with the first convolution).
    """
    return _as_wanted(exposed(pictures), wanted)


def _as_wanted(lit: NDArray[np.float32], wanted: PictureInput) -> NDArray[np.float32]:
    if wanted == "unit":
        return lit
    mean, deviation = (
        np.array(values, np.float32).reshape(3, 1, 1) for values in (MEAN, DEVIATION)
    )
    normal: NDArray[np.float32] = (lit - mean) / deviation
    return normal
