"""Mixtures that are made where a model learns: solos come as sound, and are blended there.

A GPU learns from mixtures faster than any number of processors can mix them. Here processors play
solos (``Solos``); their spectra are kept in a stock on the device, and every batch is blended
anew from it (``Blender``): who plays with whom, how loud, through which microphones, in which
noise. It follows ``training.mixtures`` in what it draws; no batch is met twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import count

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from pixelplayer.spec import AudioSpec
from pixelplayer.warp import LogFrequencyWarp
from training import mixtures
from training.mixtures import MixtureBatch
from training.solos import SoloMaker, reverberate
from training.unending import unending

GROUP = 8  # solos that a worker plays at a time
PLAYERS = len(mixtures.COUNTS) - 1  # of a blend at most
_CANDIDATES = 8  # of which as many as are wanted are of different classes
_WET_SHARE = 0.45  # solos that play in a room
_LEVEL = 0.1  # root mean square of a solo
_OCTAVES_AT = 4.0  # added to a bin's number, so that the first has an octave


@dataclass(frozen=True)
class Played:
    """A group of up to ``GROUP`` solos (n, samples) float16 at any level, and their classes (n,).

    ``is_piece`` () bool: they are players of one piece at one moment.
    """

    samples: Tensor
    classes: Tensor
    is_piece: Tensor

    def pin_memory(self) -> Played:
        """The same where a GPU can fetch it from by itself."""
        return Played(*(getattr(self, field.name).pin_memory() for field in fields(self)))


class Solos(IterableDataset):  # type: ignore[type-arg]
    """An endless, seeded stream of ``Played``."""

    def __init__(
        self,
        maker: SoloMaker,
        rate_hz: int,
        *,
        classes: Sequence[str],
        samples: int,
        seed: int,
        first: int = 0,
    ) -> None:
        """``first`` groups were played before: it goes on as if it had played them."""
        self._maker, self._rate_hz, self._classes = maker, rate_hz, list(classes)
        self._samples, self._seed, self._first = samples, seed, first

    def __iter__(self) -> Iterator[Played]:
        torch.set_num_threads(1)
        yield from unending(self._groups, seed=self._seed, first=self._first, block=1)

    def _groups(self, rng: np.random.Generator) -> Iterator[Played]:
        while True:
            is_piece = self._maker.has_pieces and rng.random() < mixtures.TOGETHER_SHARE
            if is_piece:
                played = list(self._maker.together(self._samples, rng).items())[:GROUP]
            else:
                names = rng.choice(self._classes, GROUP)
                played = [
                    (str(name), self._maker.solo(str(name), self._samples, rng)) for name in names
                ]
            heard = np.stack([self._in_a_room(solo, rng) for _, solo in played])
            yield Played(
                samples=torch.from_numpy(heard.astype(np.float16)),
                classes=torch.tensor([self._classes.index(name) for name, _ in played]),
                is_piece=torch.tensor(is_piece),
            )

    def _in_a_room(self, solo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        wet = rng.random() < _WET_SHARE
        return reverberate(solo, self._rate_hz, rng) if wet else solo


class Blender:
    """A stock of the newest solos, as spectra, and batches blended from it.

    Every group has a place that its number gives, so that what is in the stock depends on the
    number of the newest alone.

    Args:
        size: of the stock, in solos; whole groups are kept.
        device: that it lies on, and the batches.
        seed: of who plays with whom; all else follows torch's.
    """

    def __init__(
        self,
        audio: AudioSpec,
        *,
        classes: Sequence[str],
        columns: int,
        size: int,
        device: torch.device,
        seed: int,
    ) -> None:
        self._seed = seed
        analysis = audio.at_rate(audio.rate_hz)
        warp = LogFrequencyWarp(audio, analysis).to_log(np.eye(analysis.bins, dtype=np.float32))
        heard = np.flatnonzero(warp.any(axis=0))
        self._device, self._columns, self.groups = device, columns, size // GROUP
        self._n_fft, self._hop, self._rate_hz = analysis.n_fft, analysis.hop, audio.rate_hz
        self.samples = analysis.n_fft + (columns - 1) * analysis.hop
        self._class_count = len(classes)
        self._heard = torch.from_numpy(heard).to(device)
        self._warp = torch.from_numpy(np.ascontiguousarray(warp[:, heard])).to(device)
        self._window = torch.hann_window(analysis.n_fft, device=device)
        # Two numbers for real and imaginary: there is no half complex number to compute with.
        shape = (self.groups * GROUP, len(heard), columns, 2)
        self._spectra = torch.zeros(shape, dtype=torch.float16, device=device)
        self._classes = np.zeros(self.groups * GROUP, np.int64)
        self._counts = np.zeros(self.groups, np.int64)  # solos of each group
        self._is_piece = np.zeros(self.groups, bool)

    def __len__(self) -> int:
        return int(self._counts.sum())

    def add(self, number: int, played: Played) -> None:
        """Take the place of the oldest: group ``number``, counted from the first."""
        group, count = number % self.groups, len(played.classes)
        here = slice(group * GROUP, group * GROUP + count)
        self._spectra[here] = torch.view_as_real(self._spectrum(played.samples)).half()
        self._classes[here] = played.classes.numpy()
        self._counts[group], self._is_piece[group] = count, bool(played.is_piece)

    def blend(self, batch: int, number: int) -> MixtureBatch:
        """``batch`` mixtures, on the device; another ``number`` blends others."""
        rng = np.random.default_rng((self._seed, number))
        chosen, is_playing = self._chosen(batch, rng)
        places = torch.from_numpy(chosen).to(self._device, non_blocking=True)
        sounds = torch.from_numpy(is_playing).to(self._device, non_blocking=True)
        parts = torch.view_as_complex(self._spectra[places].float())  # (B, P, heard, T)
        gains = self._decibels(-9, 9, batch, PLAYERS) * sounds
        parts = parts * (gains[..., None] * self._microphones(batch, PLAYERS))[..., None]
        noise = self._noise(parts, sounds)
        begins = self._begins(batch)
        mixture = (parts.sum(dim=1) + noise) * begins
        level = self._decibels(-36, 0, batch, 1)[..., None]
        magnitude = self._to_log(mixture) * level
        shares = self._to_log(parts)
        whole = shares.sum(dim=1) + self._to_log(noise) + 1e-8
        asked = shares[:, : mixtures.QUERIES]
        targets = asked / whole.unsqueeze(1) * begins.unsqueeze(1)
        weight = magnitude + 1e-4
        return MixtureBatch(
            log_magnitude=torch.log(magnitude + 1e-10).unsqueeze(1),
            classes=self._asked(chosen, is_playing, rng),
            targets=targets,
            weight=(weight / weight.mean(dim=(1, 2), keepdim=True)).unsqueeze(1),
        )

    def _spectrum(self, samples: Tensor) -> Tensor:
        """(n, samples) → (n, heard, T) complex64, all as loud."""
        solos = samples.to(self._device, non_blocking=True).float()
        level = solos.square().mean(dim=1, keepdim=True).sqrt() + 1e-4
        frames = (solos / level * _LEVEL).unfold(1, self._n_fft, self._hop) * self._window
        return torch.fft.rfft(frames)[..., self._heard].transpose(1, 2)

    def _chosen(self, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Places in the stock (B, P), and which of them play (B, P): no class twice."""
        wanted = rng.choice(len(mixtures.COUNTS), batch, p=mixtures.COUNTS)
        groups = rng.choice(np.flatnonzero(self._counts), (batch, _CANDIDATES))
        drawn = groups * GROUP + rng.integers(self._counts[groups])
        pieces = np.flatnonzero(self._is_piece & (self._counts > 0))
        if len(pieces):
            for row in np.flatnonzero(rng.random(batch) < mixtures.TOGETHER_SHARE):
                piece = int(rng.choice(pieces))
                players = piece * GROUP + rng.permutation(self._counts[piece])
                drawn[row] = np.resize(players, _CANDIDATES)
        classes = self._classes[drawn]
        is_same = classes[:, :, None] == classes[:, None, :]
        again = np.tril(is_same, -1).any(axis=2)  # is of the class of an earlier one
        order = np.argsort(again, axis=1, kind="stable")[:, :PLAYERS]
        is_new = ~np.take_along_axis(again, order, axis=1)
        sounds = is_new & (np.arange(PLAYERS) < wanted[:, None])
        return np.take_along_axis(drawn, order, axis=1), sounds

    def _asked(self, places: np.ndarray, sounds: np.ndarray, rng: np.random.Generator) -> Tensor:
        """Classes (B, Q): those that play, in their places, then some that do not."""
        rank = rng.random((len(places), self._class_count))
        classes = self._classes[places]
        for player in reversed(range(PLAYERS)):
            rows = np.flatnonzero(sounds[:, player])
            rank[rows, classes[rows, player]] = -1.0 - (PLAYERS - player)
        asked = np.argsort(rank, axis=1)[:, : mixtures.QUERIES]
        return torch.from_numpy(asked)

    def _microphones(self, *shape: int) -> Tensor:
        """Gains (*shape, heard): smooth colourings, half of the time, and narrow bands."""
        octaves = torch.log2(self._heard + _OCTAVES_AT)
        slope = self._uniform(-1.5, 1.5, *shape, 1)
        decibels = slope * (octaves - octaves.mean())
        for _ in range(3):
            phase = octaves * self._uniform(0.5, 4.0, *shape, 1) + self._uniform(0, 6.28, *shape, 1)
            decibels = decibels + self._uniform(-2.5, 2.5, *shape, 1) * torch.cos(phase)
        decibels = decibels * (self._uniform(0, 1, *shape, 1) < 0.5)
        highest_hz = self._uniform(*mixtures.NARROW_HZ, *shape, 1)
        bins = highest_hz * self._n_fft / self._rate_hz
        band = 1 / (1 + (self._heard / bins) ** 16)
        is_narrow = self._uniform(0, 1, *shape, 1) < mixtures.NARROW_SHARE
        return 10 ** (decibels / 20) * torch.where(is_narrow, band, 1.0)

    def _noise(self, parts: Tensor, sounds: Tensor) -> Tensor:
        """Of rooms and microphones, (B, heard, T) complex64; alone where nobody plays."""
        batch, _, bins, columns = parts.shape
        levels = parts.abs().square().mean(dim=(2, 3)).sqrt().amax(dim=1, keepdim=True)
        levels = torch.where(sounds.any(dim=1, keepdim=True), levels, 1.0)
        levels = levels * self._decibels(mixtures.QUIETEST_DB, mixtures.LOUDEST_DB, batch, 1)
        slope = (self._heard + 20.0) ** self._uniform(-1.2, 0.1, batch, 1)
        slope = slope / (2 * slope.square().mean(dim=1, keepdim=True)).sqrt()
        hiss = torch.randn(batch, bins, columns, 2, device=self._device)
        noise = torch.view_as_complex(hiss) * slope[..., None]
        has_hum = self._uniform(0, 1, batch, 1, 1) < mixtures.HUM_SHARE
        return (noise + self._hum(batch) * has_hum) * levels[..., None]

    def _hum(self, batch: int) -> Tensor:
        """Overtones of the mains, steady, about as loud as the noise: (B, heard, T) complex64."""
        number = torch.arange(1, mixtures.OVERTONES + 1, device=self._device)
        which = torch.randint(len(mixtures.HUMS_HZ), (batch,), device=self._device)
        overtones = torch.tensor(mixtures.HUMS_HZ, device=self._device)[which, None] * number
        away = self._heard[:, None] - (overtones * self._n_fft / self._rate_hz)[:, None, :]
        # Hann's main lobe: two bins to each side.
        lobes = torch.cos(math.pi / 4 * away).clamp(min=0).square() * (away.abs() <= 2)
        turns = (overtones / self._rate_hz * self._hop)[..., None]
        column = torch.arange(self._columns, device=self._device)
        phases = turns * column + self._uniform(0, 1, batch, mixtures.OVERTONES, 1)
        loudness = self._uniform(0, 1, batch, mixtures.OVERTONES, 1) / number[:, None]
        lines = torch.polar(loudness.expand_as(phases), 2 * math.pi * phases)
        hum = lobes.to(lines.dtype) @ lines
        level = hum.abs().square().mean(dim=(1, 2), keepdim=True).sqrt() + 1e-12
        return hum * (self._uniform(0.3, 2, batch, 1, 1) / level)

    def _begins(self, batch: int) -> Tensor:
        """(B, 1, T) of ones, after zeros where a window has only begun to fill."""
        late = self._uniform(0, 0.95, batch, 1, 1) * self._columns
        late = late * (self._uniform(0, 1, batch, 1, 1) < 0.3)
        return (torch.arange(self._columns, device=self._device) >= late.floor()).float()

    def _to_log(self, spectra: Tensor) -> Tensor:
        """(…, heard, T) complex64 → magnitudes (…, F, T)."""
        return self._warp @ spectra.abs()

    def _uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(shape, device=self._device).uniform_(low, high)

    def _decibels(self, low: float, high: float, *shape: int) -> Tensor:
        gain: Tensor = 10 ** (self._uniform(low, high, *shape) / 20)
        return gain


def blended(
    played: Callable[[int], Iterator[Played]],
    blender: Blender,
    *,
    batch: int,
    uses: int,
    least: int,
    first: int = 0,
) -> Iterator[MixtureBatch]:
    """Endless batches; each solo plays in ``uses`` blends on average.

    Args:
        played: groups from a number on.
        blender: an empty one.
        batch: mixtures in each.
        uses: of a solo.
        least: solos before it begins.
        first: batches that were blended before. The stock is filled again with what it held then,
            and the next ones are what they would have been.
    """
    playing = sum(count * share for count, share in enumerate(mixtures.COUNTS))

    def wanted(number: int) -> int:
        return math.ceil((least + number * batch * playing / uses) / GROUP)

    added = max(0, wanted(first) - blender.groups)
    groups = played(added)
    for number in count(first):
        while added < wanted(number):
            blender.add(added, next(groups))
            added += 1
        yield blender.blend(batch, number)
