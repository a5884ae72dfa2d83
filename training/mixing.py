"""Mix-and-Separate: clips are mixed, and the mixture's parts are known (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from pixelplayer.warp import LOG_FLOOR
from training.clips import Clip, ClipError, ClipSource
from training.ensembles import Groups
from training.solos import reverberate
from training.variants import View

_LEVEL = 0.1  # root mean square of a clip before gains
_SILENCE = 1e-4  # added to it, so that silence stays silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Varying:
    """How mixtures to learn from are varied; shares are of clips, decibels either way."""

    silent: float = 0.1  # seen, and does not sound
    off_screen: float = 0.15  # mixtures in which something sounds that is not seen
    rooms: float = 0.4
    gain_db: float = 8.0
    level_db: float = 30.0  # the whole mixture, downwards
    noise_db: tuple[float, float] = (-60.0, -20.0)  # below the mixture


class Mixture(NamedTuple):
    """One mixture, or a batch of them with another dimension in front.

    ``frames`` (N, 3, 3, 224, 224) uint8 RGB, the pictures of each queried source, and ``classes``
    (N,) int64 what it is; ``sources`` (N, F, T) their magnitudes, 0 for one that is silent;
    ``mixture`` (1, F, T) that of all that sounds.
    """

    frames: Tensor
    classes: Tensor
    sources: Tensor
    mixture: Tensor

    @property
    def log_magnitude(self) -> Tensor:
        """What the sound network hears, (…, 1, F, T)."""
        return torch.log(self.mixture + LOG_FLOOR)


@dataclass(frozen=True, slots=True, eq=False)
class Solos:
    """What a mixture is made of: ``stems`` (N, samples) float32 of the clips' sounds.

    ``others`` (n, samples) float32: what may sound beside them and is not asked for, where they
    are players of one piece; None where that is any solo.
    """

    clips: tuple[Clip, ...]
    stems: np.ndarray
    others: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """Players of one piece in place of solos, in a ``share`` of the mixtures, 0..1."""

    groups: Groups
    share: float


class Mixtures(Dataset[Mixture]):
    """Mixtures by number: the same number is the same mixture, on any machine and at any time.

    Args:
        source: the clips, at the rate of ``view``.
        view: the spectrograms.
        count: N, clips in a mixture.
        seed: of the numbers.
        varying: None leaves everything as it is: for judging.
        classes: what a class's number is its place in; the source's own unless told.
        ensembles: of as many players as there are clips in a mixture, and how often.

    Raises:
        ClipError: there are fewer classes than clips in a mixture.
    """

    def __init__(
        self,
        source: ClipSource,
        view: View,
        *,
        count: int,
        seed: int,
        varying: Varying | None = None,
        classes: Sequence[str] | None = None,
        ensembles: Shared | None = None,
    ) -> None:
        only_ensembles = ensembles is not None and ensembles.share >= 1
        if len(source.labels) < count and not only_ensembles:
            raise ClipError(
                f"mixtures of {count} need as many classes, found {len(source.labels)}: "
                f"{', '.join(source.labels)}"
            )
        self.classes = tuple(classes if classes is not None else source.labels)
        self._source, self._view, self._count = source, view, count
        self._seed, self._varying, self._ensembles = seed, varying, ensembles

    def solos(self, number: int) -> Solos:
        """The clips of a mixture before any variation, all equally loud."""
        return self._drawn(np.random.default_rng((self._seed, number)))

    def __getitem__(self, number: int) -> Mixture:
        (mixture,) = self.seen_through([self._view], number)
        return mixture

    def seen_through(self, views: Sequence[View], number: int) -> list[Mixture]:
        """The same mixture in several spectrograms, whose transforms are the same."""
        rng = np.random.default_rng((self._seed, number))
        solos = self._drawn(rng)
        stems, rest = solos.stems, np.zeros_like(solos.stems[0])
        if self._varying is not None:
            stems, rest = self._varied(solos, self._varying, rng)
        spectra = self._view.spectrum(np.vstack([stems, stems.sum(axis=0) + rest]))
        shown = np.stack([clip.frames for clip in solos.clips]).transpose(0, 1, 4, 2, 3)
        frames = torch.from_numpy(np.ascontiguousarray(shown))
        classes = torch.tensor([self.classes.index(clip.label) for clip in solos.clips])
        magnitudes = [torch.from_numpy(view.magnitude(spectra)) for view in views]
        return [Mixture(frames, classes, some[:-1], some[-1:]) for some in magnitudes]

    def _drawn(self, rng: np.random.Generator) -> Solos:
        """Solos that meet by chance, or players of one piece."""
        if self._ensembles is None or rng.random() >= self._ensembles.share:
            return self._solos(rng, self._count)
        played = self._ensembles.groups.play(self._view.samples, rng)
        stems = np.stack([_levelled(clip.samples) for clip in played.clips])
        others = np.zeros_like(played.others)
        for place, other in enumerate(played.others):
            others[place] = _levelled(other)
        return Solos(played.clips, stems, others)

    def _solos(self, rng: np.random.Generator, count: int) -> Solos:
        labels = rng.choice(np.array(self._source.labels), count, replace=False)
        clips = tuple(self._source.clip(str(name), self._view.samples, rng) for name in labels)
        return Solos(clips, np.stack([_levelled(clip.samples) for clip in clips]))

    def _varied(
        self, solos: Solos, varying: Varying, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """The stems, and what sounds beside them, after rooms, gains, silence and noise."""
        stems, rate_hz = solos.stems, self._view.audio.rate_hz
        heard = [
            reverberate(stem, rate_hz, rng) if rng.random() < varying.rooms else stem
            for stem in stems
        ]
        gains = 10 ** (rng.uniform(-varying.gain_db, varying.gain_db, len(stems)) / 20)
        gains[rng.random(len(stems)) < varying.silent] = 0
        if not gains.any():
            gains[int(rng.integers(len(stems)))] = 1
        varied = np.stack(heard) * gains[:, np.newaxis]
        rest = np.zeros(self._view.samples)
        if rng.random() < varying.off_screen:
            others = self._solos(rng, 1).stems if solos.others is None else solos.others
            rest += _one_of(others, rng) * 10 ** (rng.uniform(-varying.gain_db, 0) / 20)
        loud = float(np.sqrt(np.mean((varied.sum(axis=0) + rest) ** 2)))
        rest += rng.standard_normal(len(rest)) * loud * 10 ** (rng.uniform(*varying.noise_db) / 20)
        level = 10 ** (rng.uniform(-varying.level_db, 0) / 20)
        return (varied * level).astype(np.float32), (rest * level).astype(np.float32)


def _one_of(others: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Of (n, samples); silence if there is none. Without a choice no number is drawn."""
    if len(others) < 2:
        return others.sum(axis=0)
    one: np.ndarray = others[int(rng.integers(len(others)))]
    return one


def batches(batch: int, first: int, last: int, rank: int, size: int) -> Iterator[list[int]]:
    """Numbers of the mixtures of steps ``first`` to ``last`` (half-open) for one of ``size``.

    Together the processes take ``batch`` mixtures a step, whatever their number.
    """
    for step in range(first, last):
        yield [step * batch + place for place in range(rank, batch, size)]


def _levelled(samples: np.ndarray) -> np.ndarray:
    loudness = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
    return (samples * (_LEVEL / (loudness + _SILENCE))).astype(np.float32)
