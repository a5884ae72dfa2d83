"""A model folder as it ships, asked as the paper's networks are: the same mixtures and pictures.

Its transform keeps its durations at any rate (``AudioSpec.at_rate``), so that the paper's 11 kHz
are to it a recording of which nothing above 5.5 kHz was kept. Ears that stream hear as far ahead
as they can; all is heard before anything is said of what was seen, as ``pixelplayer.offline`` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from pixelplayer.energy import LogPower
from pixelplayer.masks import mask_logits, sigmoid
from pixelplayer.networks.checkpoint import CheckpointError, load
from pixelplayer.networks.streaming_sound import FRAME_COLUMNS, StreamingSoundNet
from pixelplayer.networks.vision import VisualFeatures
from pixelplayer.offline import divide, mean_features, shares_of, understood, vectors_of
from pixelplayer.pictures import prepared
from pixelplayer.spec import ModelSpec, SpecError
from pixelplayer.stft import istft, stft
from pixelplayer.understanding import Understanding
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LOG_FLOOR, LogFrequencyWarp
from training.clips import ClipError
from training.methods import Problem
from training.watching import Watched


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """``sound`` (K, F, T) of the columns of ``spectrum`` (bins, T), and what can be said of it."""

    sound: np.ndarray
    spectrum: np.ndarray
    understanding: Understanding | None


class LiveModel:
    """One folder at one sample rate: a ``Watcher``, and two ways to separate.

    Args:
        folder: the model's.
        rate_hz: of all sound that it is given.

    Raises:
        ClipError: the folder is no model.
    """

    def __init__(self, folder: Path, rate_hz: int) -> None:
        try:
            spec = ModelSpec.load(folder)
            frame, self._sound, synthesizer = load(folder / "weights.safetensors", spec)
            self.vocabulary = Vocabulary.read(folder, spec.channels)
            self._analysis = spec.audio.at_rate(rate_hz)
        except (SpecError, CheckpointError) as error:
            raise ClipError(f"--model {folder} cannot be used: {error}") from error
        self.spec = spec
        self._eyes = VisualFeatures(frame, spec.vision.picture).eval()
        self._scale: np.ndarray = synthesizer.scale.detach().numpy()
        self._bias = float(synthesizer.bias.detach())
        self._rate_hz = rate_hz
        self._warp = LogFrequencyWarp(spec.audio, self._analysis)
        self._log_power = LogPower(self._warp, self._analysis, spec.audio.frequency_bins)

    @property
    def scale(self) -> np.ndarray:
        """(K,) float32."""
        return self._scale

    @property
    def column_s(self) -> float:
        """From one column to the next."""
        return self._analysis.hop / self._analysis.rate_hz

    def magnitude(self, samples: np.ndarray) -> np.ndarray:
        """``(..., samples)`` → ``(..., F, T)``."""
        return self._warp.to_log(np.abs(stft(samples, self._analysis)))

    def power(self, samples: np.ndarray) -> np.ndarray:
        """``(samples,)`` → ``(F, T)``."""
        return self._log_power.of(stft(samples, self._analysis))

    def watch(self, samples: np.ndarray, pictures: Sequence[np.ndarray]) -> Iterator[Watched]:
        """Of several looks at a cell the one that fits what is heard, as in the player."""
        heard = self._hear(samples)
        for picture in pictures:
            looks = self._looks(picture[np.newaxis])[:, 0]
            cells = looks.reshape(*looks.shape[:2], -1).transpose(0, 2, 1)
            seen = heard.understanding.fitting(cells) if heard.understanding else cells[0]
            features = np.ascontiguousarray(seen.T).reshape(looks.shape[1:])
            yield Watched(features, partial(self._gains, seen, heard.sound))

    def _gains(self, seen: np.ndarray, sound: np.ndarray, start: int, stop: int) -> np.ndarray:
        part = np.ascontiguousarray(sound[..., start:stop])
        return sigmoid(mask_logits(seen, part, self._scale, self._bias))

    def shown(self, problem: Problem) -> np.ndarray:
        """Separate by what is seen of each clip: a ``Method``.

        As in the paper it is the maximum over the clip's pictures and over all places; as in the
        player it is understood with the help of what is heard.
        """
        return self.divided(problem.mixture, self._seen(problem))

    def shares(self, problem: Problem) -> np.ndarray:
        """(N, F, T) float32 in 0..1: what ``shown`` gives each source of the mixture's spectrum."""
        heard = self._hear(problem.mixture)
        vectors = self._understood(heard, self._seen(problem))
        return shares_of(heard.sound, self.spec, self._scale, self._bias, vectors=vectors)

    def divided(self, samples: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """As the player divides among what was clicked on, understood by what is heard."""
        heard = self._hear(samples)
        return self._divided(heard, self._understood(heard, vectors), len(samples))

    def told(self, problem: Problem) -> np.ndarray:
        """Separate by the classes of the clips, which must be in its vocabulary: a ``Method``."""
        assert self.vocabulary is not None
        words = [self.vocabulary.names.index(clip.label) for clip in problem.clips]
        heard = self._hear(problem.mixture)
        return self._divided(heard, self.vocabulary.vectors[words], len(problem.mixture))

    def knows(self, labels: Sequence[str]) -> bool:
        """Whether it can be told all of them."""
        return self.vocabulary is not None and set(labels) <= set(self.vocabulary.names)

    def _seen(self, problem: Problem) -> np.ndarray:
        """(N, K) float32: the clips, as they look."""
        maps = [self._look(clip.frames, 0) for clip in problem.clips]
        everywhere = np.ones((1, *maps[0].shape[2:]), bool)
        return np.concatenate([vectors_of(some, everywhere) for some in maps])

    def _understood(self, heard: _Heard, vectors: np.ndarray) -> np.ndarray:
        return heard.understanding.vectors(vectors) if heard.understanding else vectors

    def _divided(self, heard: _Heard, vectors: np.ndarray, length: int) -> np.ndarray:
        parts = divide(
            heard.sound,
            heard.spectrum,
            self.spec,
            self._scale,
            self._bias,
            vectors=vectors,
            rate_hz=self._rate_hz,
        )
        return istft(parts[:-1], self._analysis, length)

    def _hear(self, samples: np.ndarray) -> _Heard:
        spectrum = stft(samples, self._analysis)
        loudness = self._warp.log_magnitude(spectrum)
        sound = (
            self._streamed(loudness)
            if isinstance(self._sound, StreamingSoundNet)
            else mean_features(self._infer, loudness, self.spec.audio.columns)
        )
        understanding = None
        if self.vocabulary is not None:
            understanding = understood(
                sound,
                spectrum,
                self.spec,
                self._scale,
                self._bias,
                vocabulary=self.vocabulary,
                rate_hz=self._rate_hz,
            )
        return _Heard(sound, spectrum, understanding)

    def _streamed(self, loudness: np.ndarray) -> np.ndarray:
        columns = loudness.shape[1]
        room = ((0, 0), (0, -columns % FRAME_COLUMNS))
        padded = np.pad(loudness, room, constant_values=np.float32(np.log(LOG_FLOOR)))
        said: np.ndarray = self._infer(padded[np.newaxis, np.newaxis])[0, ..., :columns]
        return said

    def _infer(self, log_magnitude: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            said: np.ndarray = self._sound(torch.from_numpy(log_magnitude.copy())).numpy()
        return said

    def _looks(self, pictures: np.ndarray) -> np.ndarray:
        """(n, h, w, 3) uint8 RGB squares → (S, n, K, grid, grid), from each look."""
        looks = range(self.spec.vision.looks)
        return np.stack([self._look(pictures, number) for number in looks])

    def _look(self, pictures: np.ndarray, number: int) -> np.ndarray:
        """Look ``number``, with twice as many pixels a side as the one before."""
        grid, finer = self.spec.vision.grid, 2**number
        side = grid * finer * self.spec.vision.stride_px
        shrinks = side <= pictures.shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        sized = [cv2.resize(picture, (side, side), interpolation=method) for picture in pictures]
        planes = np.stack(sized).transpose(0, 3, 1, 2).astype(np.float32) / 255
        lit = prepared(np.ascontiguousarray(planes), self.spec.vision.picture)
        with torch.inference_mode():
            seen = self._eyes(torch.from_numpy(lit)).numpy()
        pooled: np.ndarray = seen.reshape(*seen.shape[:2], grid, finer, grid, finer).mean((3, 5))
        return pooled
