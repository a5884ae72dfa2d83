"""How loud a microphone is, and the gain that would make it right. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.collection import CalibrationError

_BLOCK_S = 0.050
_FLOOR_PERCENT, _LOUD_PERCENT = 10, 95
_GOOD_DB = (-32.0, -14.0)  # how loud what is meant to be heard should be
_TARGET_DB = -23.0
_HEADROOM_DB = 3.0
_MOST_GAIN_DB = 30.0
_LEAST_OVER_FLOOR_DB = 10.0
_CLIPPED = 0.999
_SILENT_DB = -120.0
_MUTED_DB = -100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """In decibels of full scale: blocks of 50 ms, and the highest sample.

    ``clipped``: samples at full scale with a neighbour that is, too. ``gain_db`` is proposed.
    """

    floor_db: float
    loud_db: float
    peak_db: float
    clipped: int
    gain_db: float


def levels(samples: NDArray[np.float32], rate_hz: int) -> Levels:
    """Of ``samples`` (n, channels), as the player hears them: channels averaged.

    Raises:
        CalibrationError: there is nothing but silence or noise in them.
    """
    size = round(_BLOCK_S * rate_hz)
    blocks = len(samples) // size
    if not blocks:
        raise CalibrationError("nothing was recorded; give more time: --duration 5")
    mono = samples.mean(axis=1, dtype=np.float64)
    powers = np.square(mono[: blocks * size]).reshape(blocks, size).mean(axis=1)
    by_block_db = _decibels(np.sqrt(powers))
    floor_db, loud_db = np.percentile(by_block_db, (_FLOOR_PERCENT, _LOUD_PERCENT))
    peak_db = float(_decibels(np.abs(samples).max(keepdims=True))[0, 0])
    if peak_db < _MUTED_DB:
        raise CalibrationError(
            "the microphone gives silence; unmute it, or choose another with --audio"
        )
    if loud_db - floor_db < _LEAST_OVER_FLOOR_DB:
        raise CalibrationError(
            f"nothing stands out of the noise at {floor_db:.0f} dB (the loudest is at "
            f"{loud_db:.0f} dB); play while it listens, nearer to the microphone"
        )
    return Levels(
        floor_db=float(floor_db),
        loud_db=float(loud_db),
        peak_db=peak_db,
        clipped=_clipped(samples),
        gain_db=_gain_db(float(loud_db), peak_db),
    )


def _gain_db(loud_db: float, peak_db: float) -> float:
    """In whole decibels; 0 where it is loud enough."""
    if _GOOD_DB[0] <= loud_db <= _GOOD_DB[1]:
        return 0.0
    wanted = min(_TARGET_DB - loud_db, -_HEADROOM_DB - peak_db, _MOST_GAIN_DB)
    return float(np.floor(wanted)) if loud_db < _GOOD_DB[0] else float(np.floor(min(wanted, 0.0)))


def _clipped(samples: NDArray[np.float32]) -> int:
    high = np.abs(samples) >= _CLIPPED
    beside = np.zeros_like(high)
    beside[1:] |= high[:-1]
    beside[:-1] |= high[1:]
    return int((high & beside).sum())


def _decibels(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(20 * np.log10(np.maximum(values, 10 ** (_SILENT_DB / 20))), np.float64)
