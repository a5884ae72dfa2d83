"""Pictures, through OpenCV; outside ``pixelplayer.band`` only this module imports it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def to_network(pixels_bgr: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
    """The whole picture, stretched to the square that the visual network sees.

    Args:
        pixels_bgr: ``(height, width, 3)`` uint8, any size from 1 x 1.
        side_px: side of the square.

    Returns:
        ``(1, 3, side_px, side_px)`` float32, RGB in 0..1, contiguous.
    """
    height, width = pixels_bgr.shape[:2]
    # Averaging over areas shows no false patterns where the picture shrinks.
    shrinks = height >= side_px and width >= side_px
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    square = cv2.resize(pixels_bgr, (side_px, side_px), interpolation=method)
    planes = np.ascontiguousarray(square[:, :, ::-1].transpose(2, 0, 1), np.float32)
    planes /= 255
    return planes[np.newaxis]
