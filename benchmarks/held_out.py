"""Two-source scenes that no training has seen: held-out sounds, held-out photographs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.scene_files import Picture, Samples
from training.bank import open_bank
from training.photos import open_photos
from training.scenes import SIDE_PX, Placed, SceneMaker
from training.solos import SoloMaker

RATE_HZ = 44_100
DURATION_S = 8.0
FPS = 10
SHOWN_PX = 2 * SIDE_PX
_LEVEL_SPREAD_DB = 2.5  # each stem is within this of the other's mean level
_MIXTURE_PEAK = 0.9
_LEAST_RMS = 0.02  # of a solo of peak 1: a softer one is next to nothing but a click
_SWAY = 0.006  # of the picture, to and fro, as a hand-held camera does


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutScene:
    """Two instruments side by side.

    ``stems`` ``(2, n)`` float32 in the order of ``placed``; ``boxes`` in fractions of the picture.
    """

    labels: tuple[str, str]
    boxes: tuple[tuple[float, float, float, float], ...]
    stems: NDArray[np.float32]
    mixture: Samples
    still: Picture

    @property
    def are_left(self) -> tuple[bool, ...]:
        """Whether each stem's instrument stands in the left half."""
        return tuple(x0 + x1 < 1.0 for x0, _, x1, _ in self.boxes)

    def pictures(self, duration_s: float = DURATION_S) -> Iterator[Picture]:
        """The still, swaying a little, at FPS."""
        for index in range(round(duration_s * FPS)):
            angle = 2 * np.pi * index / FPS
            shift = _SWAY * SHOWN_PX * np.array([np.sin(0.31 * angle), np.sin(0.23 * angle)])
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            size = (SHOWN_PX, SHOWN_PX)
            moved = cv2.warpAffine(self.still, matrix, size, borderMode=cv2.BORDER_REPLICATE)
            yield moved.astype(np.uint8, copy=False)


class HeldOutScenes:
    """Makes scenes by number; the same number is always the same scene."""

    def __init__(self, data: Path, cache: Path, seed: int, phrase_share: float) -> None:
        """``phrase_share``: how often a real phrase is taken in place of a row of notes, 0..1."""
        photos, others = open_photos(data / "photos"), open_photos(data / "photos_other")
        bank = open_bank(data / "solo_audio", cache, RATE_HZ)
        self._solos = SoloMaker(bank, held_out=True, phrase_share=phrase_share)
        self.classes = [
            name for name in self._solos.instruments if len(photos.select(name, held_out=True))
        ]
        self._pictures = SceneMaker(photos, others, self.classes, held_out=True)
        self._seed = seed

    def scene(self, number: int) -> HeldOutScene:
        """One scene of two different instruments."""
        rng = np.random.default_rng([self._seed, number])
        first, second = (str(name) for name in rng.choice(self.classes, 2, replace=False))
        picture = self._pictures.picture(rng, (first, second))
        stems = np.stack(
            [solo_at_level(self._solos, name, DURATION_S, rng) for name in (first, second)]
        )
        stems *= _MIXTURE_PEAK / np.abs(stems.sum(axis=0)).max()
        still = cv2.resize(
            cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR),
            (SHOWN_PX, SHOWN_PX),
            interpolation=cv2.INTER_CUBIC,
        )
        return HeldOutScene(
            labels=(first, second),
            boxes=tuple(_fractions(placed) for placed in picture.placed),
            stems=stems,
            mixture=stems.sum(axis=0, dtype=np.float32),
            still=still.astype(np.uint8),
        )


def solo_at_level(
    solos: SoloMaker, name: str, duration_s: float, rng: np.random.Generator
) -> Samples:
    """A solo of about the level of any other, and hardly ever more silence than sound."""
    while True:
        samples = solos.solo(name, round(duration_s * RATE_HZ), rng)
        if (level := rms(samples)) > _LEAST_RMS:
            return at_level(samples / level, rng)


def at_level(samples: Samples, rng: np.random.Generator) -> Samples:
    """Louder or softer by chance, within what players beside each other differ by."""
    gain_db = rng.uniform(-_LEVEL_SPREAD_DB, _LEVEL_SPREAD_DB)
    return (samples * 10 ** (gain_db / 20)).astype(np.float32)


def rms(samples: Samples) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def _fractions(placed: Placed) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (edge / SIDE_PX for edge in placed.box)
    return x0, y0, x1, y1


def add_data_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Where the material lies, as ``training`` takes it."""
    parser.add_argument(
        "--data",
        type=Path,
        required=required,
        metavar="DIR",
        help="a folder with solo_audio, photos and photos_other, each holding <class>/<file>",
    )
    parser.add_argument(
        "--phrase-share",
        type=float,
        default=0.0,
        metavar="0..1",
        help="how often a real, held-out phrase is played in place of held-out notes (default 0)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "live-pixel-player" / "training",
        metavar="DIR",
        help="where the decoded sounds are kept; may be the one of the training",
    )
