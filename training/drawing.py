"""Pictures and sounds for a page that needs no other file: PNG and WAV as data addresses."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import soundfile

from pixelplayer.masks import MAGNITUDE_FLOOR

_RANGE_DB = 70.0  # from the loudest point of a spectrogram down to black
_HEAT_DB = 40.0


def spectrogram(magnitude: np.ndarray, loudest: float) -> np.ndarray:
    """``(F, T)`` magnitudes as ``(F, T, 3)`` uint8 BGR, low frequencies at the bottom.

    Args:
        magnitude: any non-negative values.
        loudest: what is shown brightest, so that several pictures can be compared.
    """
    decibels = 20 * np.log10((magnitude + MAGNITUDE_FLOOR) / (loudest + MAGNITUDE_FLOOR))
    return _coloured(1 + decibels / _RANGE_DB)[::-1]


def mask(values: np.ndarray) -> np.ndarray:
    """``(F, T)`` in 0..1 as ``(F, T, 3)`` uint8 BGR, low frequencies at the bottom."""
    return _coloured(values)[::-1]


def heat(picture: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Where it sounds, over a picture.

    Args:
        picture: ``(h, w, 3)`` uint8 RGB.
        energy: ``(rows, columns)``, of any scale, not negative.

    Returns:
        ``(h, w, 3)`` uint8 BGR.
    """
    decibels = 10 * np.log10((energy + 1e-12) / (float(energy.max()) + 1e-12))
    size = picture.shape[1::-1]
    strength = cv2.resize(
        np.clip(1 + decibels / _HEAT_DB, 0, 1).astype(np.float32),
        size,
        interpolation=cv2.INTER_CUBIC,
    )
    strength = np.clip(strength, 0, 1)
    light = _coloured(strength)
    kept = (0.75 * (1 - strength) + 0.15)[..., np.newaxis]
    return np.clip(picture[..., ::-1] * kept + light * strength[..., np.newaxis], 0, 255).astype(
        np.uint8
    )


def png(picture: np.ndarray) -> str:
    """``(h, w, 3)`` uint8 BGR as the address of an image."""
    coded = cv2.imencode(".png", np.ascontiguousarray(picture))[1]
    return "data:image/png;base64," + base64.b64encode(coded.tobytes()).decode()


def wav(samples: np.ndarray, rate_hz: int) -> str:
    """``(n,)`` float samples as the address of a sound; what exceeds full scale is clipped."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), rate_hz, format="WAV", subtype="PCM_16")
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode()


def _coloured(values: np.ndarray) -> np.ndarray:
    """0..1 from dark to light in even steps of lightness."""
    levels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)
