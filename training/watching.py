"""What the cells of pictures sound like, of whatever sees and hears: a mask of its own for each.

(Paper section 3.1, the pixels' sounds.) Places are scored by it (``training.places``), and objects
found with it where nothing plays (``training.quiet``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from pixelplayer.masks import MAGNITUDE_FLOOR
from pixelplayer.warp import LOG_FLOOR
from training.separators import PixelPlayer
from training.variants import Variant, View


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One picture: ``features`` (K, h, w) float32 in 0..1, what its cells look like.

    ``gains`` of columns ``start`` to ``stop`` (half-open), (h * w, F, stop - start) float32, row by
    row: what each cell lets through of the mixture's magnitude. All columns at once are too many.
    """

    features: np.ndarray
    gains: Callable[[int, int], np.ndarray]


class Watcher(Protocol):
    """Sees pictures and hears sound, at the rate of the material."""

    @property
    def scale(self) -> np.ndarray:
        """(K,) float32: what each feature does to a mask."""

    @property
    def column_s(self) -> float:
        """From one column to the next."""

    def magnitude(self, samples: np.ndarray) -> np.ndarray:
        """``(..., samples)`` → ``(..., F, T)`` magnitudes, as it hears them."""

    def power(self, samples: np.ndarray) -> np.ndarray:
        """``(samples,)`` → ``(F, T)``; a column sums to its mean square."""

    def watch(self, samples: np.ndarray, pictures: Sequence[np.ndarray]) -> Iterator[Watched]:
        """Each of ``pictures`` (224, 224, 3) uint8 RGB beside the sound ``samples``, in order."""

    def divided(self, samples: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """The sounds, (N, samples) float32, of things that look like ``vectors`` (N, K) float32."""


class PaperWatcher:
    """A network of ``training.separate`` that sees, in evaluation mode."""

    def __init__(self, model: PixelPlayer, view: View, variant: Variant) -> None:
        self._model, self._view, self._variant = model, view, variant

    @property
    def scale(self) -> np.ndarray:
        """(K,) float32."""
        scale: np.ndarray = self._model.synthesizer.scale.detach().numpy()
        return scale

    @property
    def column_s(self) -> float:
        """From one column to the next."""
        return self._view.audio.hop / self._view.audio.rate_hz

    def magnitude(self, samples: np.ndarray) -> np.ndarray:
        """``(..., samples)`` → ``(..., F, T)``, window after window."""
        return self._view.magnitude(self._spectrum(samples))

    def power(self, samples: np.ndarray) -> np.ndarray:
        """``(samples,)`` → ``(F, T)``."""
        return self._view.power(self._spectrum(samples))

    def watch(self, samples: np.ndarray, pictures: Sequence[np.ndarray]) -> Iterator[Watched]:
        """Answers of every cell, as the variant applies them."""
        whole = self.magnitude(samples)
        sound = torch.cat(self._hear(whole), dim=3)
        for picture in pictures:
            with torch.inference_mode():
                shown = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
                features = torch.sigmoid(self._model.frame(shown))
            yield Watched(features[0].numpy(), partial(self._gains, features, sound, whole))

    def divided(self, samples: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Answers for each, as the variant applies them; those of others change nothing."""
        spectrum = self._spectrum(samples)
        looks = torch.from_numpy(vectors)[None]
        columns, parts = self._view.audio.columns, []
        for number, sound in enumerate(self._hear(self._view.magnitude(spectrum))):
            with torch.inference_mode():
                answers = self._model.synthesizer(looks, sound)[0].numpy()
            window = spectrum[:, number * columns : (number + 1) * columns]
            parts.append(self._view.sound(self._variant, answers, window))
        return np.concatenate(parts, axis=1)[:, : len(samples)]

    def _hear(self, whole: np.ndarray) -> list[Tensor]:
        """(F, T) magnitudes → (1, K, F, columns), window after window."""
        heard = torch.from_numpy(np.log(whole + LOG_FLOOR))[None, None]
        with torch.inference_mode():
            windows = heard.split(self._view.audio.columns, dim=3)
            return [self._model.sound(window) for window in windows]

    def _gains(
        self, features: Tensor, sound: Tensor, whole: np.ndarray, start: int, stop: int
    ) -> np.ndarray:
        with torch.inference_mode():
            answers = self._model.synthesizer.forward_pixelwise(features, sound[..., start:stop])
        mixture = whole[:, start:stop]
        passed = self._variant.magnitudes(answers[0].flatten(0, 1).numpy(), mixture)
        gains: np.ndarray = passed / (mixture + MAGNITUDE_FLOOR)
        return gains

    def _spectrum(self, samples: np.ndarray) -> np.ndarray:
        """Of one window or several; the last is filled up with silence."""
        length = self._view.samples
        room = [(0, 0)] * (samples.ndim - 1) + [(0, -samples.shape[-1] % length)]
        padded = np.pad(samples, room)
        windows = np.split(padded, padded.shape[-1] // length, axis=-1)
        return np.concatenate([self._view.spectrum(window) for window in windows], axis=-1)
