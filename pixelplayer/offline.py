"""Separation of a whole recording at once: what live separation is measured against.

Every column is decoded from windows that see it with its past and its future, from many of them,
whose mistakes are not the same. Objects are given and fixed; nothing is searched for in the
picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pixelplayer.masks import mask_logits, share, sigmoid
from pixelplayer.spec import ModelSpec
from pixelplayer.stft import Samples, Spectrum, istft, stft
from pixelplayer.understanding import Understanding, UnderstandingSettings
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LOG_FLOOR, LogFrequencyWarp

Floats = NDArray[np.float32]
Infer = Callable[[Floats], Floats]
WINDOWS = 16  # that see a column, at most
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
    windows: int = WINDOWS,
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
        windows: that a column is the mean of, at most; see ``mean_features``.

    Returns:
        ``(N + 1, n)`` float32, the residual last; the rows sum to the mixture.
    """
    analysis = spec.audio.at_rate(rate_hz)
    spectrum = stft(samples, analysis)
    loudness = LogFrequencyWarp(spec.audio, analysis).log_magnitude(spectrum)
    sound = mean_features(infer, loudness, spec.audio.columns, windows)
    if vocabulary is not None:
        understanding = understood(
            sound, spectrum, spec, scale, bias, vocabulary=vocabulary, rate_hz=rate_hz
        )
        vectors = understanding.vectors(vectors)
    parts = divide(sound, spectrum, spec, scale, bias, vectors=vectors, rate_hz=rate_hz)
    return istft(parts, analysis, len(samples))


def understood(
    sound: Floats,
    spectrum: Spectrum,
    spec: ModelSpec,
    scale: Floats,
    bias: float,
    *,
    vocabulary: Vocabulary,
    rate_hz: int,
) -> Understanding:
    """What can be said of objects after all of a recording was heard; none of it is forgotten.

    Arguments are those of ``divide``.
    """
    analysis = spec.audio.at_rate(rate_hz)
    understanding = Understanding(
        vocabulary,
        scale,
        bias,
        analysis=analysis,
        warp=LogFrequencyWarp(spec.audio, analysis),
        settings=UnderstandingSettings(memory_s=np.inf),
    )
    for start in range(0, spectrum.shape[1], spec.audio.columns):
        part = slice(start, start + spec.audio.columns)
        understanding.feed(sound[..., part], spectrum[:, part])
    return understanding


def divide(
    sound: Floats,
    spectrum: Spectrum,
    spec: ModelSpec,
    scale: Floats,
    bias: float,
    *,
    vectors: Floats,
    rate_hz: int,
) -> Spectrum:
    """Divide a recording's columns among known objects, as what was heard in them says.

    Args:
        sound: ``(K, F, C)`` float32, the sound network's features of all columns.
        spectrum: ``(bins, C)`` complex64, the mixture's.
        spec, scale, bias, vectors, rate_hz: as of ``separate_offline``.

    Returns:
        ``(N + 1, bins, C)`` complex64, the residual last; they sum to the mixture's.
    """
    warp = LogFrequencyWarp(spec.audio, spec.audio.at_rate(rate_hz))
    shares = shares_of(sound, spec, scale, bias, vectors=vectors)
    parts = np.empty((len(vectors) + 1, *spectrum.shape), np.complex64)
    parts[:-1] = warp.to_linear(shares) * spectrum
    parts[-1] = spectrum - parts[:-1].sum(axis=0)
    return parts


def shares_of(
    sound: Floats, spec: ModelSpec, scale: Floats, bias: float, *, vectors: Floats
) -> Floats:
    """``(N, F, C)`` float32 in 0..1: what each object has of every point of the log spectrogram.

    Arguments are those of ``divide``; what is missing to 1 is the residual's.
    """
    shares = np.empty((len(vectors), *sound.shape[1:]), np.float32)
    for start in range(0, sound.shape[2], spec.audio.columns):
        part = slice(start, start + spec.audio.columns)
        masks = sigmoid(mask_logits(vectors, sound[..., part], scale, bias))
        shares[..., part] = share(masks, spec.mask.power, spec.mask.residual_floor)[:-1]
    return shares


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


def mean_features(infer: Infer, loudness: Floats, width: int, windows: int = WINDOWS) -> Floats:
    """What every column sounds like, in the mean of all windows that see it well.

    As much at each end of a window as windows lie apart counts for nothing, except at the ends of
    the recording: there the network knows one side alone. With 2 windows each column is from the
    middle half of one.

    Args:
        infer: ``(1, 1, F, T)`` log-magnitudes to ``(1, K, F, T)`` features.
        loudness: ``(F, C)`` float32, the recording, ``C >= 1``.
        width: T.
        windows: so many lie within a width; at least 2.

    Returns:
        ``(K, F, C)`` float32.
    """
    rows, columns = loudness.shape
    step = max(width // windows, 1)
    edge = min(step, (width - step) // 2)
    last = max(columns - width, 0)
    starts = sorted({*range(0, last, step), last})
    total: Floats | None = None
    counts = np.zeros(columns, np.float32)
    for start in starts:
        window = np.full((1, 1, rows, width), np.log(LOG_FLOOR), np.float32)
        part = loudness[:, start : start + width]
        window[0, 0, :, : part.shape[1]] = part
        first = 0 if start == 0 else edge
        stop = part.shape[1] if start == last else width - edge
        sound = infer(window)[0]
        if total is None:
            total = np.zeros((*sound.shape[:2], columns), np.float32)
        total[..., start + first : start + stop] += sound[..., first:stop]
        counts[start + first : start + stop] += 1
    assert total is not None
    total /= counts
    return total
