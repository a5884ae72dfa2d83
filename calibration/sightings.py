"""Between which pictures something happened: a flash, or a movement that stops. Pure.

A camera says when by its pictures alone, so an event lies in an interval (after, by]: the instants
of the last picture that does not show it and of the first that does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Instants = NDArray[np.int64]  # (n,) ns
Intervals = NDArray[np.int64]  # (n, 2) ns: after, by
Looks = NDArray[np.float32]  # (n, h, w), how light a coarse picture's cells are, 0..255

LEAST_PICTURES = 20
LONGEST_NS = 250_000_000  # with so much time between two pictures nobody knows
_DRIFT_S = 2.5  # lighting that changes more slowly is none of ours
_DARK, _LIGHT = 0.25, 0.75  # at once: a hand that moves into the picture takes longer
_LEAST_GREYS = 3.0
_LEAST_NOISE = 8.0  # times
_TYPICAL = 3  # the third highest of its kind tells how high they are
_MOVING = 0.25  # of how fast it came near
_APPROACH_NS = 200_000_000
_LEAST_APPROACH = 0.3  # of the fastest movement
_STILL_NS = 100_000_000


def flashes(times_ns: Instants, looks: Looks) -> Intervals:
    """Where a part of the picture becomes light (or dark) at once for a moment, as a screen does.

    Half as light as it becomes is light: so a picture that was exposed for a while counts for the
    middle of that time.
    """
    if len(times_ns) < LEAST_PICTURES:
        return np.zeros((0, 2), np.int64)
    cells = looks.reshape(len(looks), -1).astype(np.float64)
    changes = np.diff(cells, axis=0)
    part = _direction(changes)
    light = cells @ part
    light -= _slow(light, times_ns)
    if float(((light - light.mean()) ** 3).mean()) < 0:  # it is lit for less than half of the time
        light, part = -light, -part
    high = _high(light)
    noise = float(np.median(np.abs(np.diff(light)))) / 0.67
    if high * float(np.abs(part).max()) < _LEAST_GREYS or high < _LEAST_NOISE * noise:
        return np.zeros((0, 2), np.int64)
    is_lit = light >= 0.5 * high
    firsts = np.flatnonzero(is_lit[1:] & ~is_lit[:-1]) + 1
    padded = np.pad(light, (1, 1), mode="edge")
    was_dark = padded[np.maximum(firsts - 1, 0)] < _DARK * high  # two pictures before
    becomes_light = np.maximum(light[firsts], padded[firsts + 2]) >= _LIGHT * high
    firsts = firsts[was_dark & becomes_light]
    return _known(np.stack([times_ns[firsts - 1], times_ns[firsts]], axis=1))


def halts(times_ns: Instants, looks: Looks) -> Intervals:
    """Where a movement ends at once and all stays still: hands that clap, a clapperboard."""
    if len(times_ns) < LEAST_PICTURES:
        return np.zeros((0, 2), np.int64)
    cells = looks.reshape(len(looks), -1).astype(np.float64)
    speed = np.sqrt(np.mean(np.diff(cells, axis=0) ** 2, axis=1))  # up to picture 1, 2, ...
    rest = float(np.median(speed))
    fast = _high(speed - rest)
    noise = float(np.median(np.abs(speed - rest))) / 0.67
    if fast < max(_LEAST_NOISE * noise, 0.3):
        return np.zeros((0, 2), np.int64)
    found = []
    for place in range(1, len(speed) - 1):
        # speed[place] is that up to picture place + 1
        until_ns = times_ns[place + 1]
        before = times_ns[1 : place + 1] >= until_ns - _APPROACH_NS
        approach = float((speed[:place][before] - rest).max(initial=0.0))
        least = rest + _MOVING * approach
        after = (times_ns[1:] > until_ns) & (times_ns[1:] <= until_ns + _STILL_NS)
        moves = speed[place - 1] >= least and speed[place] >= least  # one change alone is a flash
        is_halt = moves and after.any() and speed[after].max() < least
        if approach < _LEAST_APPROACH * fast or not is_halt:
            continue
        # A movement that stops in the first quarter between two pictures is not seen any more.
        late_ns = round(_MOVING * (times_ns[place + 2] - until_ns))
        found.append((times_ns[place] + late_ns, until_ns + late_ns))
    return _known(np.array(found, np.int64).reshape(-1, 2))


def _known(found: Intervals) -> Intervals:
    return found[found[:, 1] - found[:, 0] <= LONGEST_NS]


def _direction(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cells' weights (n,), of length 1, along which the picture changes most."""
    _, _, rows = np.linalg.svd(changes, full_matrices=False)
    return np.asarray(rows[0])


def _high(values: NDArray[np.float64]) -> float:
    return float(np.sort(values)[-_TYPICAL])


def _slow(values: NDArray[np.float64], times_ns: Instants) -> NDArray[np.float64]:
    """The running median."""
    period_s = float(np.median(np.diff(times_ns))) / 1e9
    reach = max(1, round(_DRIFT_S / 2 / max(period_s, 1e-3)))
    padded = np.pad(values, reach, mode="reflect" if len(values) > reach else "edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    return np.asarray(np.median(windows, axis=1))
