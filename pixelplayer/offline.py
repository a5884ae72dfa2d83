"""Separation of a whole recording at once: what live separation is measured against.

Every column is decoded from windows that see it with all its future: windows half a window apart,
cross-faded. Objects are given and fixed; nothing is searched for in the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pixelplayer.masks import mask_logits, share, sigmoid
from pixelplayer.spec import ModelSpec
from pixelplayer.stft import Samples, istft, stft
from pixelplayer.understanding import Understanding, UnderstandingSettings
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LOG_FLOOR, LogFrequencyWarp

Floats = NDArray[np.float32]
Infer = Callable[[Floats], Floats]
Box = tuple[float, float, float, float]  # x0, y0, x1, y1: fractions of the picture, y down


def separate_offline(
    infer: Infer,
    spec: ModelSpec,
    scale: Floats,
    bias: float,
    *,
    samples: Samples,
    rate_hz: int,
    vectors: Floats,
    vocabulary: Vocabulary | None = None,
) -> Samples:
    """Separate a recording among objects that are known.

    Args:
        infer: ``(1, 1, F, T)`` log-magnitudes to ``(1, K, F, T)`` features, the sound network.
        spec: the model's description.
        scale, bias: the synthesizer's, float32 ``(K,)`` and a number.
        samples: ``(n,)`` float32, the mixture, ``n >= 1``.
        rate_hz: its sample rate.
        vectors: ``(N, K)`` float32, a visual vector for each object; see ``vectors_of``.
        vocabulary: given, the vectors are understood with the help of all that is heard.

    Returns:
        ``(N + 1, n)`` float32, the residual last; the rows sum to the mixture.
    """
    analysis = spec.audio.at_rate(rate_hz)
    warp = LogFrequencyWarp(spec.audio, analysis)
    spectrum = stft(samples, analysis)
    loudness = warp.log_magnitude(spectrum)
    columns = loudness.shape[1]

    heard = [(start, infer(window)[0]) for start, window in _windows(loudness, spec.audio.columns)]
    if vocabulary is not None:
        understanding = Understanding(
            vocabulary,
            scale,
            bias,
            analysis=analysis,
            warp=warp,
            settings=UnderstandingSettings(memory_s=np.inf),
        )
        for start, sound in heard:
            seen = spectrum[:, start : start + spec.audio.columns]
            understanding.feed(sound[..., : seen.shape[1]], seen)
        vectors = understanding.vectors(vectors)

    shares = np.zeros((len(vectors), len(loudness), columns), np.float32)
    weights = np.zeros(columns, np.float32)
    fade = _fade(spec.audio.columns)
    for start, sound in heard:
        logits = mask_logits(vectors, sound, scale, bias)
        divided = share(sigmoid(logits), spec.mask.power, spec.mask.residual_floor)[:-1]
        stop = min(start + spec.audio.columns, columns)
        part = fade[: stop - start]
        shares[:, :, start:stop] += divided[:, :, : stop - start] * part
        weights[start:stop] += part
    shares /= weights

    parts = np.empty((len(vectors) + 1, *spectrum.shape), np.complex64)
    parts[:-1] = warp.to_linear(shares) * spectrum
    parts[-1] = spectrum - parts[:-1].sum(axis=0)
    return istft(parts, analysis, len(samples))


def vectors_of(maps: Floats, cells: NDArray[np.bool_]) -> Floats:
    """Objects' vectors from feature maps and known places.

    Args:
        maps: ``(frames, K, h, w)`` float32, the visual network's.
        cells: ``(N, h, w)`` bool, where each object is; at least one cell each.

    Returns:
        ``(N, K)`` float32: the maximum over the frames, then over the object's cells.
    """
    features = maps.max(axis=0)
    return np.stack([features[:, place].max(axis=1) for place in cells]).astype(np.float32)


def cells_in(box: Box, rows: int, columns: int) -> NDArray[np.bool_]:
    """``(rows, columns)``: cells whose middle is in the box, or the one nearest to its middle."""
    x0, y0, x1, y1 = box
    across, down = ((np.arange(count) + 0.5) / count for count in (columns, rows))
    inside: NDArray[np.bool_] = ((y0 <= down) & (down <= y1))[:, np.newaxis] & (
        (x0 <= across) & (across <= x1)
    )
    if not inside.any():
        row = min(int((y0 + y1) / 2 * rows), rows - 1)
        inside[row, min(int((x0 + x1) / 2 * columns), columns - 1)] = True
    return inside


def _windows(loudness: Floats, width: int) -> Iterator[tuple[int, Floats]]:
    """First column, and input ``(1, 1, F, width)``, of windows that cover all columns."""
    rows, columns = loudness.shape
    for start in range(0, max(columns - width // 2, 1), max(width // 2, 1)):
        window = np.full((1, 1, rows, width), np.log(LOG_FLOOR), np.float32)
        part = loudness[:, start : start + width]
        window[0, 0, :, : part.shape[1]] = part
        yield start, window


def _fade(width: int) -> Floats:
    """What a window counts at each of its columns: a triangle, nowhere 0."""
    place = np.arange(width) + 0.5
    fade: Floats = (np.minimum(place, width - place) / width).astype(np.float32)
    return fade
