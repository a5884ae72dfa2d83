"""Pictures as cameras show them: light, colours, pixels and bit rates."""

from __future__ import annotations

import cv2
import numpy as np


def camera(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light, tint, blur and grain of some camera."""
    gain = (rng.uniform(0.65, 1.3) * rng.uniform(0.9, 1.1, 3)).astype(np.float32)
    seen = picture * gain + np.float32(rng.uniform(-20, 20))
    if rng.random() < 0.3:
        seen = cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.4, 1.2)))
    if rng.random() < 0.3:
        grain = rng.standard_normal(seen.shape, dtype=np.float32)
        seen = seen + grain * np.float32(rng.uniform(1, 8))
    return np.clip(seen, 0, 255).astype(np.uint8)


def filmed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As a video of it might look: stage light, washed-out colours, few pixels, a low bit rate."""
    seen = _light(picture, rng)
    if rng.random() < 0.25:
        grey = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        seen = cv2.addWeighted(seen, share := float(rng.uniform(0, 1)), grey, 1 - share, 0)
    if rng.random() < 0.25:
        height, width = seen.shape[:2]
        share = float(rng.uniform(0.45, 1))
        small = (int(width * share), int(height * share))
        seen = cv2.resize(seen, small, interpolation=cv2.INTER_AREA)
        seen = cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.25:
        quality = int(rng.integers(8, 60))
        _, coded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])
        seen = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.asarray(seen, np.uint8)


def _light(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """In a third of the pictures, the light of a stage: a dark room and something lit in it."""
    if rng.random() > 0.33:
        return picture
    side = picture.shape[0]
    x, y = rng.uniform(0, side, 2)
    reach = side * rng.uniform(0.3, 1.2)
    across, down = np.meshgrid(np.arange(side), np.arange(side))
    lit = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * reach**2))[..., None]
    ambient = rng.uniform(0.15, 1.0)
    contrast = rng.uniform(0.7, 2.2)  # an exponent: dark becomes darker
    seen = (picture / 255.0) ** contrast * (ambient + (1 - ambient) * lit)
    seen *= rng.uniform(0.8, 1.6) * rng.uniform(0.75, 1.2, 3)
    return np.clip(seen * 255, 0, 255).astype(np.uint8)
