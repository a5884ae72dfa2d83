"""Two devices' clocks differ by parts per million; sound is played that much faster or slower.

``Drift`` says how much, from how long the queue is as each piece comes; ``Stretch`` does it, by a
windowed sinc between the samples. Nobody hears a change of pitch of a few hundredths of a cent.
Both pure.
"""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
from numpy.typing import NDArray

Stereo = NDArray[np.float32]

MOST_PPM = 500.0  # cheap devices differ by 200
_SETTLE_S = 5.0  # how long the queue is watched before its length is taken for right
_SECONDS = 5  # whose shortest queues are looked at: a late step is no drift
_RETURN_S = 15.0  # in which a difference would be gone
_LEARN_S = 60.0  # in which the clocks' difference is learned: together they do not swing
SLIDE_PPM = 250.0  # a quarter of a millisecond a second, towards the length that is wanted
_TAPS = 32  # of the sinc
_PHASES = 8192  # so many that none must be blended: at 12 kHz the nearest is off by -80 dB
_HALF = _TAPS // 2


class Drift:
    """Parts per million by which to play faster, so that the queue is as long as is wanted.

    It stays at the length that it settled at, which slides towards the wanted one. A proportional
    and integral control: what it has learned of the clocks outlives ``again``.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._learned_ppm = 0.0
        self._ppm = 0.0
        self.again()

    def again(self) -> None:
        """The queue is another one: the length that it settles at is right at first."""
        self._lows: deque[int] = deque(maxlen=_SECONDS)
        self._low: int | None = None
        self._second = 0  # samples of this second
        self._watched_s = 0.0
        self._right: float | None = None
        self._ppm = self._learned_ppm

    def feed(self, queued: int, piece: int, wanted: int) -> float:
        """A piece of ``piece`` samples comes while ``queued`` wait: the new parts per million.

        ``wanted``: how many are to wait when the fewest do.
        """
        self._low = queued if self._low is None else min(self._low, queued)
        self._second += piece
        if self._second >= self._rate_hz:
            self._lows.append(self._low)
            elapsed_s = self._second / self._rate_hz
            self._low, self._second = None, 0
            self._watched_s += elapsed_s
            self._steer(elapsed_s, wanted)
        return self._ppm

    def _steer(self, elapsed_s: float, wanted: int) -> None:
        usual = float(np.median(self._lows))
        if self._right is None:
            if self._watched_s >= _SETTLE_S:
                self._right = usual
            return
        away_ppm = 1e6 * (usual - self._right) / self._rate_hz / _RETURN_S
        self._learned_ppm += away_ppm * elapsed_s / _LEARN_S
        self._learned_ppm = float(np.clip(self._learned_ppm, -MOST_PPM, MOST_PPM))
        steady_ppm = float(np.clip(self._learned_ppm + away_ppm, -MOST_PPM, MOST_PPM))
        self._ppm = steady_ppm + self._slid_ppm(steady_ppm, elapsed_s, wanted)

    def _slid_ppm(self, steady_ppm: float, elapsed_s: float, wanted: int) -> float:
        """Move what is right a little towards what is wanted: by so many parts per million."""
        assert self._right is not None
        second = 1e-6 * elapsed_s * self._rate_hz  # samples of a part per million
        slid_ppm = float(np.clip((self._right - wanted) / second, -SLIDE_PPM, SLIDE_PPM))
        slid_ppm = float(np.clip(slid_ppm, -MOST_PPM - steady_ppm, MOST_PPM - steady_ppm))
        self._right -= slid_ppm * second
        return slid_ppm


def _kernels() -> NDArray[np.float32]:
    """(phases + 1, taps): a sinc in Kaiser's window, moved by a part of a sample."""
    away = np.arange(_HALF * _PHASES + 1) / _PHASES  # it is the same on either side
    window = _bessel(9.0 * np.sqrt(1 - (away / _HALF) ** 2))
    half = np.sinc(away) * window / window[0]
    place = np.arange(_TAPS) - (_HALF - 1)
    moved = np.abs(place * _PHASES - np.arange(_PHASES + 1)[:, None])
    kernels: NDArray[np.float32] = half.astype(np.float32)[moved]
    kernels[0] = place == 0
    kernels[-1] = place == 1
    return kernels


def _bessel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """I0 of 0 to 9 by its power series: numpy's takes as long as a process to start."""
    quarter = x * x / 4
    total = np.ones_like(quarter)
    for term in range(28, 0, -1):
        total *= quarter / term**2
        total += 1
    return total


_KERNELS = _kernels()


class Stretch:
    """Sound ``(channels, n)`` a little faster or slower, ``_HALF`` samples late.

    Whole numbers of samples late it is the same to the last bit, as long as nothing is asked for.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self.reset()

    def reset(self) -> None:
        """What comes next does not follow what came before; that ends here."""
        self._waiting: Stereo = np.zeros((self._channels, _TAPS - 1), np.float32)
        self._at = float(_HALF - 1)  # of the next sample to be made, among those that wait

    def feed(self, samples: Stereo, faster_ppm: float) -> Stereo:
        """The next ``(channels, n)``, ``faster_ppm`` of them left out."""
        heard = np.concatenate([self._waiting, samples], axis=1)
        step = 1 + 1e-6 * faster_ppm
        room = heard.shape[1] - 1 - _HALF - self._at
        count = max(int(np.floor(room / step)) + 1, 0)
        places = self._at + step * np.arange(count)
        after = self._at + step * count
        gone = max(int(after) - (_HALF - 1), 0)
        self._waiting, self._at = heard[:, gone:], after - gone
        if not count:
            return heard[:, :0]
        if faster_ppm == 0 and places[0].is_integer():
            first = int(places[0])
            same: Stereo = heard[:, first : first + count].copy()
            return same
        whole = places.astype(np.int64)
        kernels = _KERNELS[np.rint((places - whole) * _PHASES).astype(np.int64)]
        around = np.lib.stride_tricks.sliding_window_view(heard, _TAPS, axis=1)
        found = np.empty((self._channels, count), np.float32)
        # Places follow one another but where a sample is left out or counts twice: no copies.
        breaks = np.flatnonzero(np.diff(whole) != 1) + 1
        for start, stop in itertools.pairwise([0, *breaks.tolist(), count]):
            first = int(whole[start]) - (_HALF - 1)
            nearby = around[:, first : first + stop - start]
            np.einsum("cnt,nt->cn", nearby, kernels[start:stop], out=found[:, start:stop])
        return found
