"""Mix-and-Separate: mixtures of solos whose parts are known (paper section 3.2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.utils.data import IterableDataset

from pixelplayer.spec import AudioSpec
from pixelplayer.warp import LogFrequencyWarp
from training.solos import SoloMaker, reverberate
from training.unending import unending
from training.virtual import PREFIX

STOCK = 2  # solos at hand, for each mixture of a batch
FRESH = 4  # of them made anew for every batch: to make a solo takes longer than to mix it
BLOCK = 128  # batches of a worker between two stocks
TOGETHER_SHARE = 0.08  # batches of players of one piece, where there are any
NARROW_SHARE = 0.3  # solos of narrow band
NARROW_HZ = (3_000.0, 12_000.0)  # where such a band may end
COUNTS = (0.08, 0.11, 0.56, 0.20, 0.05)  # how often nobody plays, one, two, three, four
QUIETEST_DB, LOUDEST_DB = -60.0, -12.0  # of the noise, against the loudest part
HUM_SHARE = 0.3  # noises with mains hum
HUMS_HZ = (50.0, 60.0)
OVERTONES = 12
# Masks asked per mixture: its sources, and instruments that are not in it. Of four players one is
# not asked for, as something off the screen is not.
QUERIES = 3


@dataclass(frozen=True)
class MixtureBatch:
    """B mixtures and what is asked of each.

    ``log_magnitude`` (B, 1, F, T); ``classes`` (B, Q) int64 queried classes;
    ``targets`` (B, Q, F, T) float32 in [0, 1]: the share of the class in the mixture, 0 where it
    does not sound; ``weight`` (B, 1, F, T): how much each
    bin counts.
    """

    log_magnitude: torch.Tensor
    classes: torch.Tensor
    targets: torch.Tensor
    weight: torch.Tensor

    def pin_memory(self) -> MixtureBatch:
        """The same where a GPU can fetch it from by itself."""
        return MixtureBatch(*(getattr(self, field.name).pin_memory() for field in fields(self)))


@dataclass(frozen=True, slots=True)
class _Solo:
    instrument: str
    spectrum: np.ndarray  # (heard bins, T) complex64


class Mixtures(IterableDataset):  # type: ignore[type-arg]
    """An endless, seeded stream of ``MixtureBatch``."""

    def __init__(
        self,
        maker: SoloMaker,
        audio: AudioSpec,
        *,
        classes: Sequence[str],
        columns: int,
        batch: int,
        seed: int,
        virtual_share: float = 0.0,
        first: int = 0,
    ) -> None:
        """``virtual_share`` of the mixtures, 0..1, are of the virtual band alone.

        ``first`` batches were made before: it goes on as if it had made them.

        Raises:
            ValueError: a share is asked for and no class is the band's.
        """
        self._maker = maker
        self._audio = audio
        self._analysis = audio.at_rate(audio.rate_hz)
        self._classes = list(classes)
        self._columns = columns
        self._batch = batch
        self._seed, self._first = seed, first
        self._virtual_share = virtual_share
        warp = LogFrequencyWarp(audio, self._analysis).to_log(
            np.eye(self._analysis.bins, dtype=np.float32)
        )
        # The log-frequency bins look at a quarter of the transform's; the others are not computed.
        self._heard = np.flatnonzero(warp.any(axis=0))
        self._warp = np.ascontiguousarray(warp[:, self._heard])
        self._samples = self._analysis.n_fft + (columns - 1) * self._analysis.hop
        self._band = [name for name in classes if name.startswith(PREFIX)]
        if virtual_share and not self._band:
            raise ValueError(f"no class begins with {PREFIX!r}, {virtual_share = }")

    def __iter__(self) -> Iterator[MixtureBatch]:
        torch.set_num_threads(1)
        yield from unending(self._batches, seed=self._seed, first=self._first, block=BLOCK)

    def _batches(self, rng: np.random.Generator) -> Iterator[MixtureBatch]:
        parts = rng.standard_normal((2, len(self._heard), 6 * self._columns), dtype=np.float32)
        hiss = (parts[0] + 1j * parts[1]).astype(np.complex64)
        stock: deque[_Solo] = deque(maxlen=self._batch * STOCK)
        while True:
            if self._maker.has_pieces and rng.random() < TOGETHER_SHARE:
                played = self._maker.together(self._samples, rng)
                solos = [self._solo(name, sound, rng) for name, sound in played.items()]
                yield self._make(solos, rng, hiss)
                continue
            fresh = FRESH if len(stock) == stock.maxlen else self._batch * STOCK
            for _ in range(fresh):
                name = str(rng.choice(self._band if self._is_band(rng) else self._classes))
                stock.append(self._solo(name, self._maker.solo(name, self._samples, rng), rng))
            yield self._make(list(stock), rng, hiss)

    def _is_band(self, rng: np.random.Generator) -> bool:
        """Whether the virtual band alone is to play."""
        return bool(rng.random() < self._virtual_share)

    def _to_log(self, spectrum: np.ndarray) -> np.ndarray:
        """Magnitudes (F, T) of a spectrum (heard bins, T)."""
        magnitudes: np.ndarray = self._warp @ np.abs(spectrum)
        return magnitudes

    def _make(
        self, solos: Sequence[_Solo], rng: np.random.Generator, hiss: np.ndarray
    ) -> MixtureBatch:
        bins, columns, batch = self._audio.frequency_bins, self._columns, self._batch
        mixtures = np.empty((batch, 1, bins, columns), np.float32)
        targets = np.zeros((batch, QUERIES, bins, columns), np.float32)
        classes = np.empty((batch, QUERIES), np.int64)
        for index in range(batch):
            chosen = self._chosen(solos, rng)
            gains = 10 ** (rng.uniform(-9, 9, len(chosen)) / 20)
            level = 10 ** (rng.uniform(-36, 0) / 20)
            parts = [
                solo.spectrum * np.float32(gain) for solo, gain in zip(chosen, gains, strict=True)
            ]
            start = self._silent_columns(rng)
            noise = self._noise(parts, hiss, rng)
            mixture = sum(parts) + noise
            mixture[:, :start] = 0
            mixtures[index, 0] = self._to_log(mixture) * np.float32(level)
            shares = [self._to_log(part) for part in parts]
            whole = sum(shares) + self._to_log(noise) + 1e-8
            for target, share in zip(targets[index], shares, strict=False):
                target[:, start:] = (share / whole)[:, start:]
            sounding = np.array([self._classes.index(solo.instrument) for solo in chosen], int)
            absent = rng.permutation(np.setdiff1d(np.arange(len(self._classes)), sounding))
            classes[index] = np.concatenate([sounding, absent])[:QUERIES]
        log_magnitude = np.log(mixtures + 1e-10)
        weight = _weight(mixtures)
        return MixtureBatch(
            log_magnitude=torch.from_numpy(log_magnitude),
            classes=torch.from_numpy(classes),
            targets=torch.from_numpy(targets),
            weight=torch.from_numpy(weight),
        )

    def _chosen(self, solos: Sequence[_Solo], rng: np.random.Generator) -> list[_Solo]:
        """Up to four solos of different instruments; mostly two. Sometimes nobody plays."""
        count = int(rng.choice(len(COUNTS), p=COUNTS))
        band = [solo for solo in solos if solo.instrument.startswith(PREFIX)]
        pool = band if band and self._is_band(rng) else solos
        chosen: dict[str, _Solo] = {}
        for index in rng.permutation(len(pool)):
            if len(chosen) == count:
                break
            chosen.setdefault(pool[index].instrument, pool[index])
        return list(chosen.values())

    def _silent_columns(self, rng: np.random.Generator) -> int:
        """How much of the window is still empty, as just after a start; mostly nothing."""
        return int(rng.uniform(0, 0.95) * self._columns) if rng.random() < 0.3 else 0

    def _solo(self, instrument: str, sound: np.ndarray, rng: np.random.Generator) -> _Solo:
        return _Solo(instrument, self._spectrum(sound, rng))

    def _spectrum(self, solo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n_fft, hop = self._analysis.n_fft, self._analysis.hop
        if rng.random() < 0.45:
            solo = reverberate(solo, self._audio.rate_hz, rng)
        level = np.sqrt(np.mean(solo**2)) + 1e-4
        frames = np.lib.stride_tricks.sliding_window_view(solo / level * 0.1, n_fft)[::hop]
        window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
        spectrum = np.fft.rfft((frames * window).astype(np.float32), axis=1)[:, self._heard].T
        return (spectrum * self._equaliser(rng)[:, None]).astype(np.complex64)

    def _equaliser(self, rng: np.random.Generator) -> np.ndarray:
        """A smooth random colouring, as of another microphone or room, half of the time.

        Now and then nothing is left above some frequency, as in narrow or old recordings.
        """
        gain = np.ones(len(self._heard), np.float32)
        if rng.random() < NARROW_SHARE:
            highest_hz = rng.uniform(*NARROW_HZ)
            bins = highest_hz * self._analysis.n_fft / self._audio.rate_hz
            gain = (1 / (1 + (self._heard / bins) ** 16)).astype(np.float32)
        if rng.random() < 0.5:
            return gain
        octaves = np.log2(self._heard + 4.0)
        decibels = rng.uniform(-1.5, 1.5) * (octaves - octaves.mean())
        for _ in range(3):
            decibels += rng.uniform(-2.5, 2.5) * np.cos(
                octaves * rng.uniform(0.5, 4.0) + rng.uniform(0, 6.28)
            )
        coloured: np.ndarray = (gain * 10 ** (decibels / 20)).astype(np.float32)
        return coloured

    def _noise(
        self, parts: Sequence[np.ndarray], hiss: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """The noise of a room and a microphone, (heard bins, T): in no mask.

        Where nobody plays it is all there is.
        """
        levels = [float(np.sqrt(np.mean(np.abs(part) ** 2))) for part in parts]
        level = max(levels, default=1.0) * 10 ** (rng.uniform(QUIETEST_DB, LOUDEST_DB) / 20)
        slope = (self._heard.astype(np.float32) + 20) ** np.float32(rng.uniform(-1.2, 0.1))
        slope /= np.sqrt(2 * np.mean(slope**2))
        start = int(rng.integers(0, hiss.shape[1] - self._columns))
        noise = hiss[:, start : start + self._columns] * slope[:, None]
        if rng.random() < HUM_SHARE:
            noise += self._hum(rng)
        return noise * np.float32(level)

    def _hum(self, rng: np.random.Generator) -> np.ndarray:
        """Overtones of the mains, steady, about as loud as the noise: (heard bins, T) complex64."""
        overtones = rng.choice(HUMS_HZ) * np.arange(1, OVERTONES + 1)
        bins = overtones * self._analysis.n_fft / self._audio.rate_hz
        # Hann's main lobe: two bins to each side.
        lobes = np.maximum(np.cos(np.pi / 4 * (self._heard[:, None] - bins)), 0) ** 2
        lobes[np.abs(self._heard[:, None] - bins) > 2] = 0
        turns = overtones / self._audio.rate_hz * self._analysis.hop
        phases = turns[:, None] * np.arange(self._columns) + rng.random((OVERTONES, 1))
        loudness = rng.uniform(0, 1, OVERTONES) / np.arange(1, OVERTONES + 1)
        lines = loudness[:, None] * np.exp(2j * np.pi * phases)
        hum = lobes @ lines
        hum *= rng.uniform(0.3, 2) / np.sqrt(np.mean(np.abs(hum) ** 2))
        return hum.astype(np.complex64)


def _weight(magnitude: np.ndarray) -> np.ndarray:
    """(B, 1, F, T) magnitudes → loss weight, 1 on average in each window.

    The paper's log(1 + magnitude) depends on the level of the recording; divided by the window's
    mean, a magnitude does not, and quiet windows count as much as loud ones. Its square root, which
    gives soft partials more, learned to separate 0.4 dB less in the same time.
    """
    weight = magnitude + 1e-4
    return weight / weight.mean(axis=(1, 2, 3), keepdims=True)
