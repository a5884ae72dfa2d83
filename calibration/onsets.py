"""When sharp sounds begin: claps, beeps, clicks. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HUM_S = 0.003  # what changes more slowly than this is hum, wind or a direct current
_STEP_S = 0.0005
_WINDOW_STEPS = 4  # the envelope's window: 2 ms
_BEFORE_STEPS = (120, 8)  # 60 to 4 ms before an onset it is quiet
_AFTER_STEPS = 20  # within 10 ms the sound is there
_PEAK_STEPS = 40
_REST_STEPS = 300  # 150 ms: an echo is no second clap
_LEAST_RISE_DB = 10.0
_LEAST_ABOVE_FLOOR_DB = 15.0
_BELOW_LOUDEST_DB = 20.0
_SILENT_DB = -120.0


def onsets(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float64]:
    """Places in ``samples`` (n,) where a sound begins out of quiet, in samples, ascending.

    What is 20 dB below the loudest of them is left out, and so is what follows within 150 ms.
    """
    step = max(1, round(_STEP_S * rate_hz))
    if len(samples) < (sum(_BEFORE_STEPS) + _PEAK_STEPS) * step:
        return np.zeros(0)
    envelope = _envelope(samples, rate_hz, step)
    level_db = 20 * np.log10(np.maximum(envelope, 10 ** (_SILENT_DB / 20)))
    rise_db = _highest(level_db, 0, _AFTER_STEPS) - _highest(
        level_db, -_BEFORE_STEPS[0], -_BEFORE_STEPS[1]
    )
    peak_db = _highest(level_db, 0, _PEAK_STEPS)
    floor_db = float(np.median(level_db))
    likely = (rise_db >= _LEAST_RISE_DB) & (peak_db >= floor_db + _LEAST_ABOVE_FLOOR_DB)
    likely[: _BEFORE_STEPS[0]] = False  # what came before is not known
    found = []
    next_step = 0
    for place in map(int, np.flatnonzero(likely)):
        if place < next_step:
            continue
        found.append((_start(envelope, place), peak_db[place]))
        next_step = place + _REST_STEPS
    if not found:
        return np.zeros(0)
    loudest_db = max(peak for _, peak in found)
    kept = [start for start, peak in found if peak >= loudest_db - _BELOW_LOUDEST_DB]
    return np.array(kept) * step


def _envelope(samples: NDArray[np.float32], rate_hz: int, step: int) -> NDArray[np.float64]:
    """Root mean square around every ``step``-th sample, without hum."""
    sums = np.concatenate([[0.0], np.cumsum(samples, dtype=np.float64)])
    around = round(_HUM_S * rate_hz) | 1
    mean = np.pad((sums[around:] - sums[:-around]) / around, around // 2, mode="edge")
    powers = np.concatenate([[0.0], np.cumsum((samples - mean[: len(samples)]) ** 2)])
    window = _WINDOW_STEPS * step
    centres = np.arange(0, len(samples), step)
    begins = np.clip(centres - window // 2, 0, len(samples))
    ends = np.clip(centres + window - window // 2, 0, len(samples))
    energy = np.maximum(powers[ends] - powers[begins], 0.0)
    return np.asarray(np.sqrt(energy / window))


def _highest(values: NDArray[np.float64], first: int, stop: int) -> NDArray[np.float64]:
    """The highest of ``values[n + first : n + stop]`` for every n; ends are repeated."""
    padded = np.pad(values, (max(-first, 0), max(stop, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, stop - first)
    return np.asarray(windows[: len(values)].max(axis=1))


def _start(envelope: NDArray[np.float64], place: int) -> float:
    """Where the envelope passes half of the peak near ``place``, between steps."""
    peak = envelope[place : place + _PEAK_STEPS]
    half = 0.5 * float(peak.max())
    above = place + int(np.argmax(peak >= half))
    while above > 0 and envelope[above - 1] >= half:
        above -= 1
    if above == 0:
        return 0.0
    low, high = float(envelope[above - 1]), float(envelope[above])
    return above - 1 + (half - low) / (high - low)
