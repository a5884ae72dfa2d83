"""How much later a camera tells of an event than a microphone. Pure.

Each event that is seen and heard bounds the offset to the time between two pictures. Events that
fall differently between the pictures bound it together far more closely than one picture lasts. How
closely, when instants are uncertain as well, is the width of the offset's probability given all
events, with the instants' jitter as an unknown besides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.collection import CalibrationError

LONGEST_MS = 500.0
LEAST_EVENTS = 5
MOST_UNCERTAIN_MS = 10.0
_LEAST_SHARE = 0.4  # of what is seen that must be heard, or the other way round
_SEARCHED_JITTER_MS = 6.0
_ALIKE = 0.7  # as many events that fit another offset make it a guess
_APART = 1.5  # pictures, from where on it is another offset
_JITTERS_MS = (0.5, 1.0, 2.0, 4.0, 8.0)
_STRANGE = 0.03  # events that belong to something else
_GRID_MS = 0.25
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """The picture's instants are ``ms`` later than the sound's of the same events.

    With a probability of 95 % it is within ``uncertain_ms`` of that. ``events`` of ``seen`` and
    ``heard`` ones told so.
    """

    ms: float
    uncertain_ms: float
    events: int
    seen: int
    heard: int


def av_offset(seen: NDArray[np.int64], heard: NDArray[np.int64]) -> Offset:
    """The offset that most events agree on.

    Args:
        seen: ``(n, 2)`` ns, each event between two pictures (:mod:`calibration.sightings`).
        heard: ``(m,)`` ns, when sounds began.

    Raises:
        CalibrationError: there is nothing, too little, nothing that belongs together, or more than
            one offset that fits.
    """
    _enough(len(seen), len(heard))
    lows = (seen[None, :, 0] - heard[:, None]) / _NS_PER_MS  # (m, n)
    highs = (seen[None, :, 1] - heard[:, None]) / _NS_PER_MS
    grid = np.arange(-LONGEST_MS, LONGEST_MS + 0.5)
    fits = np.zeros((len(heard), len(grid)))
    for low, high in zip(lows.T, highs.T, strict=True):
        near = (high > -LONGEST_MS) & (low < LONGEST_MS)
        chance = _between(grid[None], low[near, None], high[near, None], _SEARCHED_JITTER_MS)
        fits[near] = np.maximum(fits[near], chance)
    agreeing = fits.sum(axis=0)
    best = int(np.argmax(agreeing))
    picture_ms = float(np.median(seen[:, 1] - seen[:, 0])) / _NS_PER_MS
    matched = _matched(lows, highs, grid[best])
    events = len(matched)
    if events < max(2, _LEAST_SHARE * min(len(seen), len(heard))):
        raise CalibrationError(
            f"of {len(seen)} events seen and {len(heard)} heard only {events} belong together; "
            "let the camera see what the microphone hears, within half a second, and nothing else"
        )
    apart = np.abs(grid - grid[best]) > _APART * picture_ms + 2 * _SEARCHED_JITTER_MS
    other = int(np.argmax(np.where(apart, agreeing, 0.0)))
    if agreeing[other] >= _ALIKE * agreeing[best]:
        raise CalibrationError(
            f"{grid[best]:+.0f} ms fits as well as {grid[other]:+.0f} ms: the events follow each "
            "other too evenly; clap at irregular times, or use --pattern"
        )
    if events < LEAST_EVENTS:
        raise _too_few(events)
    rows, columns = matched.T
    ms, uncertain_ms = _settled(lows[rows, columns], highs[rows, columns], grid[best], picture_ms)
    if uncertain_ms > MOST_UNCERTAIN_MS:
        raise CalibrationError(
            f"{ms:+.0f} ms, but uncertain by {uncertain_ms:.0f} ms after {events} events; "
            "take more: --duration 60, or use --pattern"
        )
    return Offset(ms=ms, uncertain_ms=uncertain_ms, events=events, seen=len(seen), heard=len(heard))


def _enough(seen: int, heard: int) -> None:
    if not seen and not heard:
        raise CalibrationError(
            "nothing was seen and nothing was heard; clap before the camera, or use --pattern"
        )
    if not seen:
        raise CalibrationError(
            f"{heard} sounds were heard, but no flash and no clap was seen; come nearer to the "
            "camera, make light, keep the hands together for a moment"
        )
    if not heard:
        raise CalibrationError(
            f"{seen} events were seen, but no sharp sound was heard; see whether it is the right "
            "microphone: python -m calibration levels"
        )
    if min(seen, heard) < LEAST_EVENTS:
        raise _too_few(min(seen, heard))


def _too_few(events: int) -> CalibrationError:
    known = "only one event was" if events == 1 else f"only {events} events were"
    return CalibrationError(
        f"{known} seen and heard, {LEAST_EVENTS} are needed; take more: --duration 60"
    )


def _matched(
    lows: NDArray[np.float64], highs: NDArray[np.float64], offset_ms: float
) -> NDArray[np.intp]:
    """The pairs ``(k, 2)`` of a sound and what was seen with it, each in one pair only."""
    chance = _between(np.float64(offset_ms), lows, highs, _SEARCHED_JITTER_MS)
    is_best = (chance == chance.max(axis=1, keepdims=True)) & (
        chance == chance.max(axis=0, keepdims=True)
    )
    pairs = np.argwhere(is_best & (chance > 0.2))
    _, firsts = np.unique(pairs[:, 0], return_index=True)
    return pairs[firsts]


def _settled(
    lows: NDArray[np.float64], highs: NDArray[np.float64], near_ms: float, picture_ms: float
) -> tuple[float, float]:
    """The offset's mean, and twice its deviation, given all pairs ``(k,)``."""
    reach = 2 * picture_ms + 20.0
    grid = np.arange(near_ms - reach, near_ms + reach, _GRID_MS)
    logs = []
    for jitter_ms in _JITTERS_MS:
        chance = _between(grid[None], lows[:, None], highs[:, None], jitter_ms)
        logs.append(np.log((1 - _STRANGE) * chance + _STRANGE * 0.1).sum(axis=0))
    log_chance = np.logaddexp.reduce(logs, axis=0)
    weights = np.exp(log_chance - log_chance.max())
    weights /= weights.sum()
    mean = float(weights @ grid)
    return mean, 2 * math.sqrt(float(weights @ (grid - mean) ** 2))


def _between(
    at: NDArray[np.float64] | np.float64,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    deviation: float,
) -> NDArray[np.float64]:
    """How likely ``at`` with an error of this deviation falls in ``(low, high]``."""
    return np.asarray(_normal((high - at) / deviation) - _normal((low - at) / deviation))


def _normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The normal distribution up to ``x``, to 2e-4."""
    return np.asarray(1 / (1 + np.exp(-np.clip(1.5976 * x + 0.070566 * x**3, -500, 500))))
