"""Tones that are played to a player, and what is heard of them."""

from __future__ import annotations

import numpy as np

from tests.live.pulse import RATE_HZ


def tone(frequency_hz: float, duration_s: float) -> np.ndarray:
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def loud(samples: np.ndarray) -> np.ndarray:
    """Whether each piece of 10 ms sounds."""
    pieces = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    return np.asarray(np.abs(pieces).max(axis=1) > 0.05)


def longest_silence_s(sounds: np.ndarray) -> float:
    """Of pieces of 10 ms."""
    runs = np.split(sounds, np.flatnonzero(np.diff(sounds)) + 1)
    return max((len(run) for run in runs if not run[0]), default=0) / 100


def strongest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))
