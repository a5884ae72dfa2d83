"""Tones that grow by themselves. Pure.

A loop whose gain is above 1 at a frequency repeats it louder every time: a peak that stands alone,
stays where it is, and grows by the same number of decibels again and again. The criteria are
those of van Waterschoot and Moonen, "Fifty Years of Acoustic Feedback Control: State of the Art
and Future Challenges", Proceedings of the IEEE 99(2), 2011: the peak against its neighbours
(PNPR) and its harmonics (PHPR), how long it persists (IPMP), and its slope (IMSD).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Real = NDArray[np.float64]

_BAND_HZ = (80.0, 14000.0)
_LEAST_DBFS = -60.0
_PEAKS = 6  # of a frame, the highest
_NEIGHBOURS = np.array([*range(-10, -3), *range(4, 11)])
_LEAST_PNPR_DB = 10.0
_LEAST_PHPR_DB = 30.0
_LEAST_ABOVE_ALL_DB = 20.0  # a partial of a note has others beside it, below it too
_SAME_BINS = 0.6
_LONGEST_S = 5.0
_LEAST_S = 0.55
_FALL_DB = 0.5  # from one frame to the next that still counts as growing
_STRAIGHT_DB = 1.0  # root mean square beside a line: a beginning note jumps, then stays
_RISE_DB, _RISE_ALONE_DB = 6.0, 12.0  # where the speaker is known to be heard, and where it is not


@dataclass(slots=True)
class _Track:
    """A peak that stays where it is."""

    place: float  # in bins
    levels_db: list[float] = field(default_factory=list)
    is_alone: bool = True  # no harmonics, and nothing else as high


class HowlWatch:
    """Follows what the microphone hears, ``hop_samples`` at a time."""

    def __init__(self, rate_hz: int, frame_samples: int, hop_samples: int) -> None:
        self._bin_hz = rate_hz / frame_samples
        self._hop_s = hop_samples / rate_hz
        self._least = math.ceil(_LEAST_S / self._hop_s)
        self._most = math.ceil(_LONGEST_S / self._hop_s)
        self._window = np.hanning(frame_samples)
        self._full_db = 20 * math.log10(self._window.sum() / 2)  # of a sine at full scale
        self._edges = (
            math.ceil(_BAND_HZ[0] / self._bin_hz) + 10,
            math.floor(min(_BAND_HZ[1], 0.45 * rate_hz) / self._bin_hz) - 10,
        )
        self._length = frame_samples
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._heard: Samples = np.zeros(self._length, np.float32)
        self._tracks: list[_Track] = []
        self._spectrum_db: Real = np.full(self._length // 2 + 1, -200.0)

    def feed(self, heard: Samples, *, is_loop: bool) -> tuple[float, ...]:
        """One hop more, ``(hop_samples,)``: the frequencies in Hz that howl.

        ``is_loop``: the speaker is known to be heard; then less is enough.
        """
        self._heard = np.concatenate([self._heard[len(heard) :], heard])
        spectrum = np.abs(np.fft.rfft(self._heard * self._window))
        self._spectrum_db = 20 * np.log10(spectrum + 1e-9) - self._full_db
        self._follow()
        return tuple(
            track.place * self._bin_hz for track in self._tracks if self._howls(track, is_loop)
        )

    def level_db(self, frequency_hz: float) -> float:
        """The level around a frequency in the newest frame, dBFS of a sine."""
        place = round(frequency_hz / self._bin_hz)
        return float(self._spectrum_db[max(place - 2, 0) : place + 3].max())

    def _follow(self) -> None:
        kept = []
        for place, level_db in self._peaks():
            known = [item for item in self._tracks if abs(item.place - place) <= _SAME_BINS]
            track = known[0] if known else _Track(place)
            track.place += 0.3 * (place - track.place)
            track.levels_db = [*track.levels_db[1 - self._most :], level_db]
            track.is_alone = self._is_alone(track.place, level_db)
            if track not in kept:
                kept.append(track)
        self._tracks = kept

    def _peaks(self) -> list[tuple[float, float]]:
        """The highest peaks that stand out of their neighbours: bin and level in dB."""
        low, high = self._edges
        middle = self._spectrum_db[low:high]
        is_peak = (middle > self._spectrum_db[low - 1 : high - 1]) & (
            middle >= self._spectrum_db[low + 1 : high + 1]
        )
        places = np.flatnonzero(is_peak & (middle >= _LEAST_DBFS)) + low
        places = places[np.argsort(self._spectrum_db[places])[::-1][:_PEAKS]]
        found = []
        for place in places.tolist():
            level_db = float(self._spectrum_db[place])
            around = 10 ** (self._spectrum_db[place + _NEIGHBOURS] / 10)
            if level_db - 10 * math.log10(float(around.mean())) >= _LEAST_PNPR_DB:
                found.append((place + _vertex(self._spectrum_db[place - 1 : place + 2]), level_db))
        return found

    def _is_alone(self, place: float, level_db: float) -> bool:
        around = round(place) + np.array([_NEIGHBOURS[0], _NEIGHBOURS[-1] + 1])
        below, above = self._spectrum_db[: around[0]], self._spectrum_db[around[1] :]
        others_db = max(float(below.max(initial=-200.0)), float(above.max(initial=-200.0)))
        return (
            others_db <= level_db - _LEAST_ABOVE_ALL_DB
            and self._harmonics_db(place) <= level_db - _LEAST_PHPR_DB
        )

    def _harmonics_db(self, place: float) -> float:
        """The highest level at twice and three times the frequency."""
        levels = [-200.0]
        for times in (2, 3):
            at = round(times * place)
            levels.extend(self._spectrum_db[at - 2 : at + 3].tolist())
        return max(levels)

    def _howls(self, track: _Track, is_loop: bool) -> bool:
        levels_db = np.asarray(track.levels_db)
        falls = np.flatnonzero(np.diff(levels_db) < -_FALL_DB)
        growing = levels_db[falls[-1] + 1 :] if len(falls) else levels_db
        for first in range(len(growing) - self._least + 1):
            part = growing[first:]
            rise_db = float(part[-1] - part[0])
            if rise_db < (_RISE_DB if is_loop else _RISE_ALONE_DB):
                return False  # what begins later rises less
            if _beside_a_line(part) <= _STRAIGHT_DB:
                return is_loop or track.is_alone
        return False


def _beside_a_line(levels: Real) -> float:
    """How far ``(n,)`` are beside their straight line, root mean square."""
    place = np.arange(len(levels)) - (len(levels) - 1) / 2
    slope = float(place @ levels) / float(place @ place)
    return float(np.sqrt(np.mean((levels - levels.mean() - slope * place) ** 2)))


def _vertex(three: Real) -> float:
    """Where between -1 and 1 a parabola through three values is highest."""
    bend = float(three[0] - 2 * three[1] + three[2])
    return 0.5 * float(three[0] - three[2]) / bend if bend < 0 else 0.0
