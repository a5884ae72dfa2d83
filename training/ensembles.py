"""Players of one piece as material to mix: they share beat and harmony, as no solos do.

Each stands beside a photograph of its class. Of classes without photographs there are players all
the same: they are heard beside the others, and nobody who goes by pictures is asked for them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from training.clips import FRAME_PX, Clip
from training.moving import MovingPhotos
from training.paper import FRAMES
from training.recordings import Bank, Recording
from training.solos import at_speed, random_speed

_RESTS = 0.01  # RMS of a part of peak 1: a player who is softer is not playing
_TRIES = 20  # moments, until all who are asked for play

Piece = Mapping[str, Recording]  # by class


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """One moment of a piece.

    ``clips`` of those who are asked for; of a class without photographs the frames are black.
    ``others`` ``(n, samples)`` float32: the rest of the players.
    """

    clips: tuple[Clip, ...]
    others: np.ndarray


class Ensembles:
    """The pieces of one side of the bank's split. Alone, its players are a ``ClipSource``.

    Args:
        bank: whose recordings are parts of pieces, or not.
        pictures: of one side of the photographs' split.
        known: classes that may be asked for by their pictures.
        held_out: which side of the bank's. It sounds as it was recorded; what is learned from
            varies in speed and pitch, all players alike.
    """

    def __init__(
        self, bank: Bank, pictures: MovingPhotos, *, known: Collection[str], held_out: bool
    ) -> None:
        self._bank, self._pictures, self._held_out = bank, pictures, held_out
        self._shown = {*known} & {*pictures.labels}
        pieces: dict[str, dict[str, Recording]] = {}
        for recording in bank.recordings:
            if recording.piece and recording.held_out == held_out:
                pieces.setdefault(recording.piece, {})[recording.instrument] = recording
        self._pieces: Sequence[Piece] = list(pieces.values())

    @property
    def labels(self) -> Sequence[str]:
        """The classes of all players."""
        return sorted({label for piece in self._pieces for label in piece})

    def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
        """One player alone, at a moment of some piece."""
        pieces = [piece for piece in self._pieces if label in piece]
        piece = pieces[int(rng.integers(len(pieces)))]
        return self.moment(piece, [label], samples, rng).clips[0]

    def seen(self, count: int) -> Groups | None:
        """All groups of ``count`` players of a piece with photographs of each; None if none is."""
        return self._groups(count, self._shown)

    def heard(self, count: int) -> Groups | None:
        """All groups of ``count`` players of a piece, seen or not; None if there is none."""
        return self._groups(count, self.labels)

    def _groups(self, count: int, of: Collection[str]) -> Groups | None:
        found = [
            (piece, labels)
            for piece in self._pieces
            for labels in combinations(sorted({*piece} & {*of}), count)
        ]
        return Groups(self, found) if found else None

    def moment(
        self, piece: Piece, labels: Sequence[str], samples: int, rng: np.random.Generator
    ) -> Played:
        """A random one in which the players ``labels`` of ``piece`` play, as far as it is found."""
        speed = 1.0 if self._held_out else random_speed(rng)
        length = samples if speed == 1 else math.ceil(samples * speed) + 1
        latest = max(min(part.stop - part.start for part in piece.values()) - length, 0)
        for _ in range(_TRIES):
            start = int(rng.integers(latest + 1))
            asked = {label: self._part(piece[label], start, length) for label in labels}
            if all(float(np.sqrt(np.mean(part**2))) > _RESTS for part in asked.values()):
                break
        clips = [
            self._clip(label, at_speed(part, speed)[:samples], rng) for label, part in asked.items()
        ]
        rest = [
            at_speed(self._part(part, start, length), speed)[:samples]
            for label, part in piece.items()
            if label not in asked
        ]
        others = np.stack(rest) if rest else np.zeros((0, samples), np.float32)
        return Played(tuple(clips), others)

    def _part(self, recording: Recording, start: int, length: int) -> np.ndarray:
        """``(length,)`` float32 from ``start`` on, silent beyond the end."""
        first = recording.start + start
        heard = self._bank.samples[first : min(first + length, recording.stop)]
        return np.pad(heard.astype(np.float32), (0, length - len(heard)))

    def _clip(self, label: str, samples: np.ndarray, rng: np.random.Generator) -> Clip:
        if label not in self._shown:
            return Clip(label, samples, np.zeros((FRAMES, FRAME_PX, FRAME_PX, 3), np.uint8))
        frames, box = self._pictures.frames(label, rng)
        return Clip(label, samples, frames, box)


class Groups:
    """Players of one piece who can be asked for together, as many in each group."""

    def __init__(
        self, ensembles: Ensembles, groups: Sequence[tuple[Piece, tuple[str, ...]]]
    ) -> None:
        self._ensembles, self._groups = ensembles, groups

    @property
    def labels(self) -> Sequence[str]:
        """The classes that may be asked for."""
        return sorted({label for _, labels in self._groups for label in labels})

    def play(self, samples: int, rng: np.random.Generator) -> Played:
        """One group at one moment, in any order."""
        piece, labels = self._groups[int(rng.integers(len(self._groups)))]
        order = rng.permutation(len(labels))
        return self._ensembles.moment(piece, [labels[place] for place in order], samples, rng)
