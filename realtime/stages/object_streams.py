"""The objects' sound: each one's share of the mixture, as a stream of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.masks import mask_logits, share, sigmoid
from pixelplayer.objects import TrackedObject
from pixelplayer.spec import Analysis, MaskSpec
from pixelplayer.stft import Samples, Spectrum, StreamingIstft, low_delay
from pixelplayer.warp import LogFrequencyWarp

SILENT_DBFS = -120.0  # the least level that is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesizer:
    """What turns vectors and sound features into masks; ``scale`` float32 ``(K,)``."""

    scale: NDArray[np.float32]
    bias: float
    mask: MaskSpec

    def masks(
        self, vectors: NDArray[np.float32], sound: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """``(N, K)`` and ``(K, F, w)`` to ``(N, F, w)`` in 0..1, each by itself."""
        logits = mask_logits(vectors, sound, self.scale, self.bias)
        return sigmoid(logits, out=logits)


class ObjectStreams:
    """Streams of objects 1, 2, ... and the residual; together they are the mixture.

    A stream begins with its object, its past being silence, and stays: an object that is gone is
    silent. Streams are ordered by id, the residual last.
    """

    def __init__(
        self, synthesizer: Synthesizer, analysis: Analysis, warp: LogFrequencyWarp, level_s: float
    ) -> None:
        self._synthesizer = synthesizer
        self._analysis = analysis
        self._warp = warp
        self._level_s = level_s
        # The residual, then the objects.
        self._inverse = StreamingIstft(analysis, streams=1, windows=low_delay(analysis))
        self._power = np.zeros(1)  # mean square, in the same order
        self._given = np.ones((1, 1, 1), np.float32)

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The objects that have streams."""
        return tuple(range(1, self._inverse.streams))

    @property
    def shares(self) -> NDArray[np.float32]:
        """``(N + 1, F, w)`` of the columns and objects fed last, the residual's at the end."""
        return self._given

    def level_dbfs(self, object_id: int) -> float:
        """Level of a stream lately; 0 for the residual's. One that is still to come is silent."""
        power = float(self._power[object_id]) if object_id < len(self._power) else 0.0
        return 10 * float(np.log10(max(power, 10 ** (SILENT_DBFS / 10))))

    def grow(self, count: int) -> None:
        """Have streams of at least so many objects."""
        missing = count - len(self.object_ids)
        if missing > 0:
            self._inverse.grow(missing)
            self._power = np.concatenate([self._power, np.zeros(missing)])

    def feed(
        self,
        spectrum: Spectrum,
        sound: NDArray[np.float32],
        objects: Sequence[TrackedObject],
        known_samples: int,
    ) -> Samples:
        """Divide the next columns.

        Args:
            spectrum: ``(bins, w)`` complex64, of the mixture, with windows of low delay.
            sound: ``(K, F, w)`` float32, from the sound network.
            objects: those that have a part in it.
            known_samples: how many the streams are known to have; none beyond is given.

        Returns:
            ``(N + 1, n)`` float32, ``n >= 0``.
        """
        self.grow(max((item.id for item in objects), default=0))
        parts = np.zeros((self._inverse.streams, *spectrum.shape), np.complex64)
        parts[0] = spectrum
        self._given = np.ones((1, *sound.shape[1:]), np.float32)
        if objects:
            claims = self._shares(sound, objects) * spectrum
            parts[[item.id for item in objects]] = claims
            parts[0] -= claims.sum(axis=0)
        return self._out(self._inverse.feed(parts, known_samples))

    def flush(self, length_samples: int) -> Samples:
        """The rest ``(N + 1, n)`` of streams of ``length_samples`` in all."""
        return self._out(self._inverse.flush(length_samples))

    def _shares(
        self, sound: NDArray[np.float32], objects: Sequence[TrackedObject]
    ) -> NDArray[np.float32]:
        """``(N, bins, w)``: the objects' shares of the mixture."""
        masks = self._synthesizer.masks(np.stack([item.vector for item in objects]), sound)
        masks *= np.array([item.presence for item in objects], np.float32)[:, None, None]
        mask = self._synthesizer.mask
        self._given = share(masks, mask.power, mask.residual_floor)
        return self._warp.to_linear(self._given[:-1])

    def _out(self, samples: Samples) -> Samples:
        """Follow the levels; put the residual last."""
        if samples.shape[1]:
            duration_s = samples.shape[1] / self._analysis.rate_hz
            now = np.einsum("sn,sn->s", samples, samples) / samples.shape[1]
            self._power += -np.expm1(-duration_s / self._level_s) * (now - self._power)
        return np.concatenate([samples[1:], samples[:1]])
