"""Music that no training has heard, its parts known: notes, real performances, real ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.fixed_objects import Clip
from benchmarks.held_out import RATE_HZ, at_level, rms, solo_at_level
from training.bank import Bank, open_players
from training.photos import open_photos
from training.scenes import SIDE_PX, SceneMaker, side_by_side
from training.solos import SoloMaker
from training.sources import UNHEARD

_MIXTURE_PEAK = 0.9


class HeldOutMusic:
    """Clips of ``duration_s``, drawn by the caller's generator."""

    def __init__(self, data: Path, cache: Path, duration_s: float) -> None:
        bank = open_players(data, cache, RATE_HZ)
        self._duration_s = duration_s
        self._notes = SoloMaker(bank, held_out=True, phrase_share=0.0)
        self._phrases = SoloMaker(_unheard(bank), held_out=True, phrase_share=1.0)
        self._players = SoloMaker(bank, held_out=True)
        photos = open_photos(data / "photos")
        self._pictures = SceneMaker(
            photos, open_photos(data / "photos_other"), self._notes.instruments, held_out=True
        )
        self.instruments = self._notes.instruments
        self.shown = self._pictures.seen
        self.performed = [name for name in self._phrases.instruments if name in self.shown]

    def notes(self, names: Sequence[str], rng: np.random.Generator) -> Clip:
        """Rows of notes, one instrument each."""
        return self._clip(self._notes, names, rng)

    def performances(self, names: Sequence[str], rng: np.random.Generator) -> Clip:
        """Real performances from collections that are kept out whole."""
        return self._clip(self._phrases, names, rng)

    def together(self, rng: np.random.Generator) -> Clip:
        """Two players of one piece, at one moment of it.

        Raises:
            ValueError: no piece is kept out.
        """
        played: dict[str, np.ndarray] = {}
        while len(played) < 2:
            parts = self._players.together(round(self._duration_s * RATE_HZ), rng)
            heard = [name for name, part in parts.items() if rms(part) > 0]
            names = [str(name) for name in rng.choice(heard, min(2, len(heard)), replace=False)]
            played = {name: at_level(parts[name] / rms(parts[name]), rng) for name in names}
        return _mixed(tuple(played), np.stack(list(played.values())))

    def in_picture(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """The same sound, its instruments side by side in a picture."""
        labels = clip.name.split(" and ")
        picture = self._pictures.picture(rng, labels, side_by_side)
        still = cv2.resize(
            cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR),
            (2 * SIDE_PX, 2 * SIDE_PX),
            interpolation=cv2.INTER_CUBIC,
        )
        boxes = tuple(tuple(edge / SIDE_PX for edge in placed.box) for placed in picture.placed)
        return replace(clip, boxes=boxes, pictures=(np.asarray(still, np.uint8),))

    def _clip(self, solos: SoloMaker, names: Sequence[str], rng: np.random.Generator) -> Clip:
        stems = [solo_at_level(solos, name, self._duration_s, rng) for name in names]
        return _mixed(names, np.stack(stems))


def _mixed(names: Sequence[str], stems: np.ndarray) -> Clip:
    stems = stems * (_MIXTURE_PEAK / np.abs(stems.sum(axis=0)).max())
    return Clip(
        name=" and ".join(names),
        rate_hz=RATE_HZ,
        stems=stems.astype(np.float32),
        boxes=(),
        pictures=(),
    )


def _unheard(bank: Bank) -> Bank:
    """Of the bank, the collections that are kept out whole."""
    kept = tuple(entry for entry in bank.recordings if entry.name.startswith(UNHEARD))
    return replace(bank, recordings=kept)
