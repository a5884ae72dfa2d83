"""Sounding bodies: the resonances between a string, lip or reed and the listener's ear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

_PIECE = 2**17  # samples: transforms of millions take several times as long


@dataclass(frozen=True, slots=True)
class Mode:
    """One resonance of a body: a second-order band-pass of ``gain`` at its peak."""

    frequency_hz: float
    quality: float
    gain: float


@dataclass(frozen=True, slots=True)
class Body:
    """Resonances added to the direct sound; ``low_hz`` and ``high_hz`` bound what it radiates."""

    direct: float
    modes: Sequence[Mode]
    low_hz: float
    high_hz: float

    def varied(self, rng: np.random.Generator) -> Body:
        """Another instrument of the same make: resonances moved by up to 8 %, gains by 2 dB."""
        modes = tuple(
            Mode(
                mode.frequency_hz * float(rng.uniform(0.92, 1.08)),
                mode.quality * float(rng.uniform(0.8, 1.25)),
                mode.gain * float(10.0 ** rng.uniform(-0.1, 0.1)),
            )
            for mode in self.modes
        )
        return Body(self.direct, modes, self.low_hz, self.high_hz * float(rng.uniform(0.85, 1.15)))

    def respond(self, samples: Samples, rate_hz: int) -> Samples:
        """``(n,)`` through the body. Causal; removes DC. The ring beyond the end is cut.

        Long sounds go through in pieces, whose rings are added up.
        """
        size = fast_length(samples.size + rate_hz // 4)
        ring = size - samples.size
        longest = max(_PIECE, fast_length(rate_hz))
        if size > longest:
            size, ring = longest, rate_hz // 2
        piece = size - ring
        # Up to half the rate alone it is not quite causal: a piece's end has what comes before it.
        before = ring // 8
        count = -(-samples.size // piece)
        pieces = np.zeros((count, piece), dtype=np.float32)
        pieces.reshape(-1)[: samples.size] = samples
        spectra = np.fft.rfft(pieces, size)
        spectra *= self._response(size, rate_hz)
        sounding = np.zeros(before + count * piece + size, dtype=np.float32)
        for index, part in enumerate(np.fft.irfft(spectra, size)):
            start = index * piece
            sounding[start : start + before] += part[size - before :]
            sounding[start + before : start + size] += part[: size - before]
        return sounding[before : before + samples.size]

    def _response(self, size: int, rate_hz: int) -> npt.NDArray[np.complex64]:
        """At the frequencies of a transform of ``size`` samples, ``(size // 2 + 1,)``."""
        frequency = np.fft.rfftfreq(size, 1.0 / rate_hz).astype(np.float32)
        response = np.full(frequency.shape, self.direct, dtype=np.complex64)
        for mode in self.modes:
            ratio = frequency / np.float32(mode.frequency_hz)
            width = 1j * (ratio / np.float32(mode.quality))
            response += np.float32(mode.gain) * width / ((1.0 - ratio * ratio) + width)
        low = 1j * (frequency / np.float32(self.low_hz))
        response *= (low / (1.0 + low)) ** 2
        response /= 1.0 + 1j * (frequency / np.float32(self.high_hz))
        return response


def fast_length(length: int) -> int:
    """The smallest ``2^a * {1, 3, 5, 9, 15}`` that is at least ``length``: quick to transform."""
    return min(odd << max(0, (-(-length // odd) - 1).bit_length()) for odd in (1, 3, 5, 9, 15))
