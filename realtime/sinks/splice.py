"""Make a piece of sound a little shorter or longer without a click. Pure.

The piece is cross-faded with itself, shifted by the place nearest to the wanted one where it is
about as like itself as can be, so that a tone keeps its phase.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FADE_S = 0.005
REACH_S = 0.005  # how far from the wanted length a better fitting place is looked for
AS_GOOD = 0.02  # of likeness: a seam that is 0.1 dB quieter is worth a length that is nearer


def most_that_fits(samples: int, rate_hz: int) -> int:
    """The largest change, in samples, that a piece of `samples` allows; may be 0."""
    return max(0, samples - round(FADE_S * rate_hz) - round(REACH_S * rate_hz))


def shorten(samples: NDArray[np.float32], by: int, rate_hz: int) -> NDArray[np.float32]:
    """Take about `by` samples out of (channels, samples); first and last sample stay.

    `by` is at most `most_that_fits`; the result tells how many it were.
    """
    fade = round(FADE_S * rate_hz)
    shift = _best_shift(samples, by, fade, round(REACH_S * rate_hz))
    rise = _rise(fade)
    seam = samples[:, :fade] * (1.0 - rise) + samples[:, shift : shift + fade] * rise
    return np.concatenate([seam, samples[:, shift + fade :]], axis=1)


def lengthen(samples: NDArray[np.float32], by: int, rate_hz: int) -> NDArray[np.float32]:
    """Put about `by` samples into (channels, samples); first and last sample stay.

    `by` is at most `most_that_fits`; the result tells how many it were.
    """
    fade = round(FADE_S * rate_hz)
    backwards = samples[:, ::-1]
    shift = _best_shift(backwards, by, fade, round(REACH_S * rate_hz))
    length = samples.shape[1]
    rise = _rise(fade)
    seam = (
        samples[:, length - fade :] * (1.0 - rise)
        + samples[:, length - fade - shift : length - shift] * rise
    )
    return np.concatenate([samples[:, : length - fade], seam, samples[:, length - shift :]], axis=1)


def fade_in(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """(channels, samples) rising from silence, after a gap."""
    fade = min(round(FADE_S * rate_hz), samples.shape[1])
    faded: NDArray[np.float32] = samples.copy()
    faded[:, :fade] *= _rise(fade)
    return faded


def _rise(length: int) -> NDArray[np.float32]:
    place = (np.arange(length) + 0.5) / max(length, 1)
    rise = place * place * (3.0 - 2.0 * place)
    return np.asarray(rise, dtype=np.float32)


def _best_shift(samples: NDArray[np.float32], by: int, fade: int, reach: int) -> int:
    """The shift in by - reach .. by + reach where the first `fade` samples are met again."""
    mono = samples.sum(axis=0, dtype=np.float64)
    first = max(1, by - reach)
    last = min(by + reach, mono.size - fade)
    head = mono[:fade]
    stretch = mono[first : last + fade]
    likeness = np.correlate(stretch, head, mode="valid")
    powers = np.convolve(stretch**2, np.ones(fade), mode="valid") * np.sum(head**2)
    score = likeness / np.sqrt(powers + 1e-12)
    fits = np.flatnonzero(score >= score.max() - AS_GOOD)
    nearest = fits[np.argmin(np.abs(first + fits - by))]
    return first + int(nearest)
