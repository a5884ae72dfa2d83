"""Clips made on the spot: every class a tone of its own and a picture of its own colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import soundfile

from training.clips import FRAME_PX, Clip
from training.paper import AUDIO, FRAMES

_TONES = {"bell": 2400.0, "drone": 180.0, "horn": 1700.0, "pipe": 900.0, "saw": 4500.0}
_COLOURS = {
    "bell": (230, 210, 40),
    "drone": (40, 60, 220),
    "pipe": (30, 190, 60),
    "saw": (190, 30, 120),
}
THREE = ("bell", "drone", "pipe")
FOUR = (*THREE, "saw")
TAKES = 14  # of each class in a bank: some are on either side of its split


class ToneClips:
    """A ``ClipSource`` at the paper's rate."""

    def __init__(self, labels: Sequence[str] = THREE) -> None:
        self._labels = labels

    @property
    def labels(self) -> Sequence[str]:
        return self._labels

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        time_s = np.arange(samples) / AUDIO.rate_hz
        tone = np.sin(2 * np.pi * _TONES[label] * rng.uniform(0.95, 1.05) * time_s)
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time_s + rng.uniform(0, 6))
        frames = np.zeros((FRAMES, FRAME_PX, FRAME_PX, 3), np.uint8)
        left, top = rng.integers(0, FRAME_PX // 2, 2)
        frames[:, top : top + 100, left : left + 100] = _COLOURS[label]
        box = tuple(float(edge) / FRAME_PX for edge in (left, top, left + 100, top + 100))
        return Clip(label, (tone * swell).astype(np.float32), frames, box)


def write_bank(folder: Path, labels: Sequence[str] = THREE) -> Path:
    """A sample bank of such clips, a second each, with photographs of them."""
    source, rng = ToneClips(labels), np.random.default_rng(0)
    for label in source.labels:
        for kind in ("solo_audio", "photos"):
            (folder / kind / label).mkdir(parents=True)
        for number in range(TAKES):
            clip = source.clip(label, AUDIO.rate_hz, rng)
            sound = folder / f"solo_audio/{label}/note{number}.wav"
            soundfile.write(sound, clip.samples, AUDIO.rate_hz)
            cv2.imwrite(str(folder / f"photos/{label}/{label}{number}.png"), clip.frames[0])
    return folder


def write_ensembles(folder: Path, pieces: Mapping[str, Sequence[str]], duration_s: float) -> None:
    """Players of ``<folder>/ensembles/band/``: a tone each, all of a piece in one rhythm."""
    (folder / "ensembles/band").mkdir(parents=True)
    for number, (piece, players) in enumerate(pieces.items()):
        beats = np.random.default_rng(number).integers(0, 2, round(duration_s * 8))
        rhythm = np.repeat(beats, AUDIO.rate_hz // 8)
        time_s = np.arange(len(rhythm)) / AUDIO.rate_hz
        for label in players:
            tone = 0.5 * rhythm * np.sin(2 * np.pi * _TONES[label] * time_s)
            path = folder / f"ensembles/band/{piece}_{label}.wav"
            soundfile.write(path, tone, AUDIO.rate_hz)
