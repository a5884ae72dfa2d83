"""Which pixels sound alike: a place on a disc for each, so near as their sounds are alike.

The paper's figure 1e: the spectrogram of each pixel's sound is a long vector, and principal
components of all vectors give the pixels' colours. Here the vectors grow with every block and are
forgotten again, so what is kept is what the components are made of: the pixels' products with each
other, over the last seconds.

Principal components may turn over from one moment to the next, and change places. They are turned
back to where the pixels were, so that a pixel keeps its colour as long as it keeps its sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_AXES = 2
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundMapSettings:
    """How far back is looked, and what counts as silent."""

    memory_s: float = 4.0  # time constant; the paper's window is 6 s, all of it the same
    silence_db: float = -40.0  # below the loudest pixel: what is softer has no say


class SoundMap:
    """Places of ``pixels`` pixels, block by block."""

    def __init__(self, pixels: int, settings: SoundMapSettings | None = None) -> None:
        self._pixels = pixels
        self._settings = settings or SoundMapSettings()
        self.reset()

    def reset(self) -> None:
        """Forget the past, as after a cut."""
        self._products = np.zeros((self._pixels, self._pixels))
        self._places: NDArray[np.float64] | None = None

    def feed(self, powers: Floats, duration_s: float) -> None:
        """Take one block: ``powers`` (pixels, bands) float32, of what each pixel sounds."""
        amplitudes = np.sqrt(powers)
        self._products *= np.exp(-duration_s / self._settings.memory_s)
        self._products += duration_s * (amplitudes @ amplitudes.T)

    def places(self) -> Floats:
        """``(pixels, 2)`` float32: 0 for what sounds as all do, 1 away for what is unlike it.

        Pixels whose sounds have nothing in common lie on different sides. Silent ones lie at 0.
        """
        energy = np.diagonal(self._products)
        loudest = float(energy.max())
        is_heard = energy > max(loudest * 10 ** (self._settings.silence_db / 10), _TINY)
        if not is_heard.any():
            return np.zeros((self._pixels, _AXES), np.float32)
        # Every pixel that is heard has a say, a loud one more.
        weight = np.where(is_heard, np.sqrt(energy), 0.0)
        weight /= weight.sum()
        found = self._turned(_components(_likeness(self._products, is_heard), weight), weight)
        found[~is_heard] = 0
        self._places = found
        return found.astype(np.float32)

    def _turned(
        self, places: NDArray[np.float64], weight: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """As near to where the pixels were as turning and mirroring brings them."""
        if self._places is None or not self._places.any():
            # The first time, that which is furthest out and loud is at the right.
            x, y = places[np.argmax(weight * np.linalg.norm(places, axis=1))]
            away = max(float(np.hypot(x, y)), _TINY)
            turn = np.array([[x, -y], [y, x]]) / away
        else:
            left, _, right = np.linalg.svd(places.T @ (weight[:, np.newaxis] * self._places))
            turn = left @ right
        turned: NDArray[np.float64] = places @ turn
        return turned


def _likeness(products: NDArray[np.float64], is_heard: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cosines between the pixels' vectors."""
    length = np.sqrt(np.where(is_heard, np.diagonal(products), 1.0))
    cosines: NDArray[np.float64] = products / length / length[:, np.newaxis]
    return cosines


def _components(likeness: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(pixels, 2)``: the first principal components of unit vectors with these cosines."""
    mean = likeness @ weight
    centred = likeness - mean - mean[:, np.newaxis] + weight @ mean
    root = np.sqrt(weight)
    values, vectors = np.linalg.eigh(root[:, np.newaxis] * centred * root)
    values, vectors = values[-_AXES:][::-1], vectors[:, -_AXES:][:, ::-1]
    # A component times the vectors: of pixels without weight too, and in the vectors' own units.
    scores: NDArray[np.float64] = centred @ (root[:, np.newaxis] * vectors)
    scores /= np.sqrt(np.maximum(values, _TINY))
    return scores
