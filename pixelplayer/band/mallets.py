"""Struck bars: the marimba, by modal synthesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelplayer.band.body import Body, Mode, Samples
from pixelplayer.band.score import Note

_FRAME = Body(direct=1.0, modes=(Mode(180.0, 4.0, 0.25),), low_hz=60.0, high_hz=9000.0)

# Undercut bars are tuned to 1 : 4 : 10; how fast each rings out and how hard it is struck.
_RATIOS = (1.0, 3.98, 9.9, 16.5)
_RINGS = (1.0, 0.32, 0.14, 0.08)
_WEIGHTS = (1.0, 0.4, 0.2, 0.1)


def struck(notes: Sequence[Note], length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """A marimba ``(length,)``: each bar is a bank of decaying sinusoids, hit by a soft mallet."""
    hardness = float(rng.uniform(0.5, 1.6))
    ring = float(rng.uniform(0.8, 1.4))
    detune = [float(rng.uniform(0.99, 1.01)) for _ in _RATIOS]
    samples = np.zeros(length, dtype=np.float32)
    for note in notes:
        start = round(note.start_s * rate_hz)
        # Seconds to fall by 60 dB: low bars ring longer.
        ring_s = ring * float(np.clip(1.5 * (220.0 / note.frequency_hz) ** 0.6, 0.35, 2.2))
        for ratio, share, weight, error in zip(_RATIOS, _RINGS, _WEIGHTS, detune, strict=True):
            frequency_hz = note.frequency_hz * ratio * (error if ratio > 1.0 else 1.0)
            room = min(length - start, round(ring_s * share * rate_hz))
            if room < 16 or frequency_hz > 0.47 * rate_hz:
                continue
            force = weight * (hardness * (0.4 + 0.8 * note.loudness) if ratio > 1.0 else 1.0)
            mode = _ringing(frequency_hz, ring_s * share, room, rate_hz)
            samples[start : start + room] += np.float32(force * note.loudness**1.3) * mode
        _thump(samples, start, note.loudness, rate_hz, rng)
    return _FRAME.varied(rng).respond(samples, rate_hz)


def _ringing(frequency_hz: float, ring_s: float, length: int, rate_hz: int) -> Samples:
    """A sinusoid from 0 that falls by 60 dB in ``ring_s``; it ends at 0."""
    time_s = np.arange(length, dtype=np.float32) / np.float32(rate_hz)
    decay = np.exp(time_s * np.float32(-6.9078 / ring_s)) - np.float32(0.001)
    tone = np.sin(time_s * np.float32(2.0 * np.pi * frequency_hz))
    return np.asarray(np.maximum(decay, 0.0) * tone, dtype=np.float32)


def _thump(
    samples: Samples, start: int, loudness: float, rate_hz: int, rng: np.random.Generator
) -> None:
    """Add the contact of yarn and wood to ``samples`` in place: 12 ms of dull noise."""
    room = min(samples.size - start, round(0.012 * rate_hz))
    if room < 8:
        return
    noise = rng.standard_normal(room + 7, dtype=np.float32)
    dull = np.convolve(noise, np.hanning(8).astype(np.float32) / 3.5, "valid")
    samples[start : start + room] += np.float32(0.12 * loudness) * dull * np.hanning(room)
