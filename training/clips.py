"""Solos with their pictures: what Mix-and-Separate mixes, from three kinds of material.

All give the same ``Clip``, whatever they are made of: videos in the MUSIC layout, the sample bank
(solo recordings beside photographs of the same class), or the virtual band.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import soundfile

from pixelplayer import band
from pixelplayer.metrics import Box
from training.commands import UnusableError
from training.figures import box_around
from training.moving import MovingPhotos
from training.paper import FRAMES, FRAMES_APART_S, FRAMES_FPS
from training.solos import SoloMaker, at_speed, random_speed
from training.virtual import PREFIX

FRAME_PX = 224
_SPRITE_PX = 168
_SOLID = 128  # of 255: where a drawing is rather than is not


class ClipError(UnusableError):
    """The material cannot be used; the message says why and what is expected."""

    def __str__(self) -> str:
        """The message alone: a process that makes mixtures sends it below a traceback."""
        name = f"{type(self).__module__}.{type(self).__qualname__}: "
        return super().__str__().strip().rpartition("\n")[2].removeprefix(name)


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One instrument alone: ``samples`` (n,) float32; ``frames`` (3, 224, 224, 3) uint8 RGB.

    ``box`` is where the instrument stands in the middle frame, in fractions of it; None where
    nobody knows.
    """

    label: str
    samples: np.ndarray
    frames: np.ndarray
    box: Box | None = None

    @property
    def middle(self) -> np.ndarray:
        """(224, 224, 3) uint8 RGB: the frame of the middle."""
        frame: np.ndarray = self.frames[len(self.frames) // 2]
        return frame


class ClipSource(Protocol):
    """Where clips come from; the same ``rng`` gives the same clip."""

    @property
    def labels(self) -> Sequence[str]:
        """The classes that there are clips of, sorted."""

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """A random clip of ``samples`` samples at the source's rate."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a MUSIC index."""

    audio: Path
    frames: Path
    frame_count: int


class MusicClips:
    """Videos in the MUSIC layout: ``AUDIO_PATH,FRAMES_PATH,NUMBER_FRAMES``, one a line.

    The class of a video is the name of the folder that its sound is in.

    Args:
        index: the CSV file; relative paths in it are relative to the working folder, as in the
            published ones.
        rate_hz: the model's; the sound is expected at it (``training prepare --rate``).
        held_out: it sounds as it was recorded; what is learned from varies in speed and pitch.

    Raises:
        ClipError: the index is missing, empty or not of that form.
    """

    def __init__(self, index: Path, rate_hz: int, *, held_out: bool) -> None:
        self._rate_hz, self._held_out = rate_hz, held_out
        self._rows: dict[str, list[_Row]] = {}
        try:
            with index.open(newline="", encoding="utf-8") as file:
                lines = list(csv.reader(file))
            for audio, frames, count in lines:
                row = _Row(Path(audio), Path(frames), int(count))
                self._rows.setdefault(row.audio.parent.name, []).append(row)
        except (OSError, ValueError) as error:
            raise ClipError(
                f"{index} is no index of videos ({error}); expected lines "
                "AUDIO_PATH,FRAMES_PATH,NUMBER_FRAMES as `training prepare` writes them"
            ) from error
        if not self._rows:
            raise ClipError(
                f"{index} lists no video; see the skipped.csv beside it, and prepare two videos or "
                "more of each class: one of them is kept out"
            )

    @property
    def labels(self) -> Sequence[str]:
        """The names of the folders."""
        return sorted(self._rows)

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """A part of a video around some instant; what is beyond its ends is silent.

        Raises:
            ClipError: a file is broken, or at another rate.
        """
        rows = self._rows[label]
        row = rows[int(rng.integers(len(rows)))]
        span_s = (FRAMES - 1) * FRAMES_APART_S
        long_s = row.frame_count / FRAMES_FPS
        centre_s = rng.uniform(*sorted((span_s / 2, max(long_s - span_s / 2, span_s / 2))))
        speed = 1.0 if self._held_out else random_speed(rng)
        heard = math.ceil(samples * speed) + 1 if speed != 1 else samples
        first = round(centre_s * self._rate_hz) - heard // 2
        numbers = [
            1 + int((centre_s + (step - (FRAMES - 1) / 2) * FRAMES_APART_S) * FRAMES_FPS)
            for step in range(FRAMES)
        ]
        shown = [self._frame(row, min(max(number, 1), row.frame_count)) for number in numbers]
        sound = at_speed(self._sound(row.audio, first, heard), speed)[:samples]
        return Clip(label, sound, np.stack(shown))

    def _sound(self, path: Path, first: int, samples: int) -> np.ndarray:
        heard = np.zeros(samples, np.float32)
        start = max(first, 0)
        try:
            with soundfile.SoundFile(path) as file:
                if file.samplerate != self._rate_hz:
                    raise ClipError(
                        f"{path} is at {file.samplerate} Hz, the model at {self._rate_hz} Hz; "
                        f"prepare the videos with --rate {self._rate_hz}"
                    )
                if start < file.frames:
                    file.seek(start)
                    wanted = min(first + samples, file.frames) - start
                    part = file.read(wanted, dtype="float32", always_2d=True).mean(axis=1)
                    heard[start - first : start - first + len(part)] = part
        except soundfile.LibsndfileError as error:
            raise ClipError(
                f"{path} cannot be read ({error}); delete it and run `training prepare` again"
            ) from error
        return heard

    def _frame(self, row: _Row, number: int) -> np.ndarray:
        path = row.frames / f"{number:06d}.jpg"
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise ClipError(
                f"{path} is missing or broken; delete {row.frames} and run `training prepare` again"
            )
        # The middle square, as the paper's validation has it: faces and hands keep their shapes.
        side = min(picture.shape[:2])
        top, left = ((length - side) // 2 for length in picture.shape[:2])
        square = picture[top : top + side, left : left + side]
        size = (FRAME_PX, FRAME_PX)
        small = cv2.resize(square, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)


class BankClips:
    """Solos of the sample bank, each beside a photograph of the same class that moves a little.

    Args:
        solos: of one side of the bank's split, at the model's rate.
        pictures: of one side of the photographs' split; only classes that both have are given.

    Raises:
        ClipError: no class has both sound and photographs.
    """

    def __init__(self, solos: SoloMaker, pictures: MovingPhotos) -> None:
        self._solos, self._pictures = solos, pictures
        shown, heard = set(pictures.labels), set(solos.instruments)
        self._unseen, self._unheard = sorted(heard - shown), sorted(shown - heard)
        self._labels = sorted(heard & shown)
        if not self._labels:
            raise ClipError(
                f"no class has both sounds and photographs ({self.lacking}); see docs/models.md"
            )

    @property
    def lacking(self) -> str:
        """What there is none of on this side, of which classes; empty if there is all."""
        parts = {"photographs": self._unseen, "sounds": self._unheard}
        return "; ".join(f"no {kind} of {', '.join(of)}" for kind, of in parts.items() if of)

    @property
    def labels(self) -> Sequence[str]:
        """Classes with both sound and photographs."""
        return self._labels

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """A solo, and three views of one photograph."""
        frames, box = self._pictures.frames(label, rng)
        return Clip(label, self._solos.solo(label, samples, rng), frames, box)


class BandClips:
    """The virtual band: sounds of ``training.virtual``'s bank, drawings that play.

    Args:
        solos: of one side of a bank that holds the band, at the model's rate.
    """

    def __init__(self, solos: SoloMaker) -> None:
        self._solos = solos
        self._labels = [name for name in solos.instruments if name.startswith(PREFIX)]

    @property
    def labels(self) -> Sequence[str]:
        """The band's instruments, as the bank names them."""
        return sorted(self._labels)

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """A phrase, and the instrument on a stage in three poses."""
        look, stage = (int(seed) for seed in rng.integers(1 << 30, size=2))
        left, top = (int(v) for v in rng.integers(0, FRAME_PX - _SPRITE_PX, 2))
        room = band.backdrop(FRAME_PX, FRAME_PX, stage)
        shown, shapes = [], []
        for phase in rng.random(FRAMES):
            sprite = band.draw(label.removeprefix(PREFIX), _SPRITE_PX, look, float(phase))
            picture = room.copy()
            there = picture[top : top + _SPRITE_PX, left : left + _SPRITE_PX]
            alpha = sprite[..., 3:] / np.float32(255)
            there[:] = (sprite[..., :3] * alpha + there * (1 - alpha)).astype(np.uint8)
            shown.append(picture[..., ::-1])
            shapes.append(np.zeros((FRAME_PX, FRAME_PX), bool))
            shapes[-1][top : top + _SPRITE_PX, left : left + _SPRITE_PX] = sprite[..., 3] >= _SOLID
        box = box_around(shapes[FRAMES // 2])
        return Clip(label, self._solos.solo(label, samples, rng), np.stack(shown), box)


class Several:
    """Clips of several sources; a class that two of them have is drawn from either.

    Args:
        sources: that clips are drawn from.
        known: the classes that are drawn, as far as there are clips of them; all unless told.

    Raises:
        ClipError: there are fewer than two classes, so that nothing can be mixed.
    """

    def __init__(self, sources: Sequence[ClipSource], known: Collection[str] | None = None) -> None:
        self._of_label: dict[str, list[ClipSource]] = {}
        for source in sources:
            for label in source.labels:
                if known is None or label in known:
                    self._of_label.setdefault(label, []).append(source)
        if len(self._of_label) < 2:
            raise ClipError(
                f"mixing needs two classes or more, found {sorted(self._of_label) or 'none'}"
            )

    @property
    def labels(self) -> Sequence[str]:
        """All classes."""
        return sorted(self._of_label)

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """From one of the sources that have the class."""
        sources = self._of_label[label]
        return sources[int(rng.integers(len(sources)))].clip(label, samples, rng)
