"""Objects differ in colour for everybody; colour vision simulated after Machado et al. (2009)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from realtime.stages.scene import PALETTE

LEAST_DIFFERENCE = 12.0  # CIE76; about 2.3 can just be seen
VISION = {
    "usual": np.eye(3),
    "without long waves": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "without medium waves": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "without short waves": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(linear_rgb: np.ndarray) -> np.ndarray:
    """(n, 3) CIELAB under D65."""
    x = np.clip(linear_rgb @ TO_XYZ.T / [0.9505, 1.0, 1.089], 0.0, None)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.stack(
        [116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1
    )


@pytest.mark.parametrize("vision", VISION)
def test_no_two_colours_look_alike(vision: str) -> None:
    levels = np.array(PALETTE)[:, ::-1] / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    seen = lab(np.clip(linear @ np.array(VISION[vision]).T, 0.0, 1.0))
    apart = {
        (one, other): np.linalg.norm(seen[one] - seen[other])
        for one, other in combinations(range(len(PALETTE)), 2)
    }
    assert min(apart.values()) > LEAST_DIFFERENCE, min(apart, key=lambda pair: apart[pair])
