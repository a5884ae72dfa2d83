"""How an instrument moves to what it plays: poses per picture, from the notes and the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixelplayer.band.body import Samples
from pixelplayer.band.score import Note, onsets

FPS = 30
PHASES = 16  # poses in one cycle of the motion
_LIFT_S = 0.12  # a new stroke begins so long before its note


@dataclass(frozen=True, slots=True)
class Motion:
    """One pose per picture: ``phase`` in ``0..PHASES-1`` and ``loudness`` 0, 0.5 or 1."""

    phase: npt.NDArray[np.int64]
    loudness: npt.NDArray[np.float64]


def motion(notes: Sequence[Note], samples: Samples, rate_hz: int) -> Motion:
    """The motion to ``samples`` ``(n,)``: every note is half a cycle, silence is stillness."""
    count = max(1, round(samples.size * FPS / rate_hz))
    times_s = np.arange(count) / FPS
    cycles = _cycles(notes, times_s)
    phase = np.floor(cycles * PHASES + 1e-6).astype(np.int64) % PHASES
    return Motion(phase, _steps(envelope(samples, rate_hz, count)))


def envelope(samples: Samples, rate_hz: int, count: int) -> npt.NDArray[np.float64]:
    """RMS ``(count,)`` of the ``1 / FPS`` seconds that follow each picture's time."""
    edges = np.rint(np.arange(count + 1) * rate_hz / FPS).astype(np.int64)
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    edges = np.minimum(edges, samples.size)
    return np.asarray(np.sqrt(np.diff(power[edges]) / np.maximum(1, np.diff(edges))))


def _steps(level: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """0 below -30 dB of the loud parts, 0.5 below -12 dB, else 1."""
    reference = max(1e-9, float(np.quantile(level, 0.95)))
    return 0.5 * (level > 0.032 * reference) + 0.5 * (level > 0.25 * reference)


def _cycles(notes: Sequence[Note], times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    strokes = onsets(notes)
    if not strokes:
        return np.zeros(times_s.size)
    at_s, cycles = [], []
    for index, (start_s, end_s) in enumerate(strokes):
        at_s.append(start_s)
        cycles.append(0.5 * index)
        if index + 1 < len(strokes):
            following_s = strokes[index + 1][0]
            ready_s = following_s - min(_LIFT_S, (following_s - start_s) / 3.0)
            at_s += [min(end_s, ready_s), ready_s]
        else:
            at_s += [end_s, end_s]
        cycles += [0.5 * index + 0.37] * 2
    return np.asarray(np.interp(times_s, at_s, cycles))
