"""What was heard of a fault: how long nothing, and how long nothing divided.

What is divided stands where its instruments stand; the mixture itself is heard in the middle: both
channels are the same then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitors import RATE_HZ

MOST_GAP_MS = 50.0
MOST_AWAY_S = 2.0
_GAP_BLOCK = RATE_HZ // 500
_SILENT = 10 ** (-60 / 20)  # the noise that is always played lies 15 dB above it
_WIDE_BLOCK = RATE_HZ // 20
_NARROW = 10 ** (-50 / 20)  # side to middle
_LEAST_NARROW = 2  # blocks: one may be a rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """Of one fault, as it was heard from it to the next.

    ``gap_ms``: the longest silence. ``away_s``: from the fault until it was divided again; 0 where
    it never ceased to be, not a number where it was not before or never again.
    """

    gap_ms: float
    away_s: float


def consequence(
    heard: NDArray[np.float32], fault_at: int, next_at: int, before: int
) -> Consequence:
    """Of a fault at sample ``fault_at``, before the next one.

    Args:
        heard: ``(n, 2)``, what was played.
        fault_at, next_at: samples.
        before: as many samples before the fault it must have been divided.
    """
    part = heard[fault_at:next_at]
    narrow = _narrow(part)
    was_wide = not _narrow(heard[max(fault_at - before, 0) : fault_at]).all()
    return Consequence(
        gap_ms=1000 * _longest(_silent(part)) * _GAP_BLOCK / RATE_HZ,
        away_s=_away_s(narrow) if was_wide else math.nan,
    )


def _away_s(narrow: NDArray[np.bool_]) -> float:
    """When the last stretch of narrow blocks ended."""
    runs = _runs(narrow)
    long = [(start, stop) for start, stop in runs if stop - start >= _LEAST_NARROW]
    if not long:
        return 0.0
    stop = long[-1][1]
    return math.nan if stop == len(narrow) else stop * _WIDE_BLOCK / RATE_HZ


def _silent(part: NDArray[np.float32]) -> NDArray[np.bool_]:
    return _rms(part.mean(axis=1), _GAP_BLOCK) < _SILENT


def _narrow(part: NDArray[np.float32]) -> NDArray[np.bool_]:
    middle = _rms(part.mean(axis=1), _WIDE_BLOCK)
    side = _rms((part[:, 0] - part[:, 1]) / 2, _WIDE_BLOCK)
    found: NDArray[np.bool_] = side < _NARROW * middle
    return found


def _rms(samples: NDArray[np.float32], block: int) -> NDArray[np.float64]:
    blocks = samples[: len(samples) // block * block].reshape(-1, block).astype(np.float64)
    found: NDArray[np.float64] = np.sqrt(np.mean(blocks**2, axis=1))
    return found


def _longest(marked: NDArray[np.bool_]) -> int:
    return max((stop - start for start, stop in _runs(marked)), default=0)


def _runs(marked: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
