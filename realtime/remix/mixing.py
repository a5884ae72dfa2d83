"""The streams of a session with other gains, as stereo, block by block. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.errors import UsageError
from realtime.remix.recorded import RESIDUAL, Recorded, Track
from realtime.sinks.limiter import Limiter
from realtime.sinks.mixer import PanLaw

_BLOCK_SAMPLES = 1 << 16
_LOUDEST = 2.0**20  # of what a stream may be, far above full scale


def gains_of(
    tracks: Sequence[Track],
    changes_db: Mapping[str, float],
    solo: Sequence[str] = (),
    mute: Sequence[str] = (),
) -> dict[int, float]:
    """The factor of every track by its number: 1, or as it is changed.

    Args:
        tracks: of the session.
        changes_db: by a name ("guitar": all guitars), a number ("2"), or "residual".
        solo: only these sound.
        mute: these do not.

    Raises:
        UsageError: there is none of a name.
    """
    gains = {track.number: 1.0 for track in tracks}
    if solo:
        heard = {one.number for name in solo for one in _named(tracks, name)}
        gains = {number: float(number in heard) for number in gains}
    for name in mute:
        gains |= {one.number: 0.0 for one in _named(tracks, name)}
    for name, change_db in changes_db.items():
        for one in _named(tracks, name):
            gains[one.number] *= 10 ** (change_db / 20)
    return gains


def blocks(
    recorded: Recorded, gains: Mapping[int, float], pan_law: PanLaw
) -> Iterator[NDArray[np.float32]]:
    """(2, n) float32 within full scale; all of them joined are as long as the session.

    With every gain 1 and a centred pan both channels are the mixture, where that is not louder
    than the limiter's threshold. What is damaged in a file, and no sample, is silence.
    """
    limiter = Limiter(recorded.rate_hz)
    factors = np.array(
        [[gains[one.number] * side for side in pan_law(one.pan)] for one in recorded.tracks]
    )
    for start in range(0, recorded.samples, _BLOCK_SAMPLES):
        rows = np.stack([one.samples[start : start + _BLOCK_SAMPLES] for one in recorded.tracks])
        samples = np.where(np.abs(rows) <= _LOUDEST, rows, 0.0)  # NaN is not
        mix = np.einsum("rc,rn->cn", factors, samples, dtype=np.float64)
        yield limiter.feed(mix.astype(np.float32))


def _named(tracks: Sequence[Track], name: str) -> list[Track]:
    found = [one for one in tracks if name in (one.name, str(one.number)) and one.number]
    if name == RESIDUAL:
        found = [one for one in tracks if not one.number]
    if not found:
        there = ", ".join(f"{one.number} ({one.name})" for one in tracks if one.number)
        raise UsageError(f"there is no {name!r}; there are {there or 'no objects'}, and {RESIDUAL}")
    return found
