"""Whether the microphone hears the speaker, how late and how loud. Pure.

What was played is looked for in what is heard, by correlation of whitened spectra (Knapp and
Carter, "The generalized correlation method for estimation of time delay", IEEE Trans. ASSP 1976).
The microphone's own sound is in both, but the speaker plays it a tenth of a second later and more:
from there on real sound is no longer like itself, and an echo stands out even 20 dB below.

Long notes are like themselves for longer, at every period: many peaks that come and go with the
notes. An echo is one peak, and it stays where it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Real = NDArray[np.float64]

EARLIER_S = 0.060  # the delay that is told may be too long by this
LATER_S = 0.320  # and too short by this: some devices do not tell theirs
LONGEST_DELAY_S = 2.0
_NOT_ITSELF_S = 0.020  # what is heard is in what is played at once; nobody plays so early
_FRAME_S = 0.18
_BAND_HZ = (150.0, 9000.0)
_FLOOR = 1e-2  # of the loudest frequency: what is weaker is not whitened
_NARROW = 0.03  # of all frequencies, that are louder than the floor
_LEAST_PLAYED = 0.05  # of what is heard: a loop of 20 dB and its reverberation are above that
_SILENT = 1e-4  # root mean square, -80 dBFS
_REMEMBERED_S = 4.0
# Peaks against the rest, so many frames at one place: of the sum over all frames, and of one frame.
# Long notes have single frames as clear, but not as alone.
_CLEAR, _CLEAR_FRAMES = 12.0, 3
_CLEAR_AT_ONCE, _FRAMES_AT_ONCE = 10.0, 3
_ALONE, _ALONE_AT_ONCE = 1.1, 1.3  # times the next highest peak
_OUTLIER = 4.0  # one frame alone counts for no more
_APART_S = 0.0015
_SAME_SAMPLES = 2
_LOST, _LOST_S = 5.0, 3.0
_GAIN_S = 1.5
_GATE_S = (0.002, 0.030)  # before and after the peak; later reverberation is too weak to be told
_BEFORE_S = (0.035, 0.050, 0.065)
_OTHERS = 2.0  # of what is found there, is taken off
_LEAST_GAIN = 1e-4
_GAIN_BAND_HZ = (125.0, 8000.0)
_STEADY_FRAMES, _FEW_FRAMES = 16, 8
_FIRST_DB = 3.0  # is believed of a few frames at most: they may be of one note
_STEADY = 0.3  # quantile of the newest: a long note makes it seem louder


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The speaker is heard ``delay_samples`` after what it plays, ``gain_db`` louder than that.

    ``gain_db`` is that of the loudest third of an octave.
    """

    delay_samples: int
    gain_db: float


class LoopWatch:
    """Follows one microphone and one speaker, sample by sample of the same stream."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.frame_samples = 1 << round(math.log2(_FRAME_S * rate_hz))
        self.hop_samples = self.frame_samples // 2
        self._lags = round((EARLIER_S + LATER_S) * rate_hz)
        self._size = 1 << (self.frame_samples + self._lags - 1).bit_length()
        hop_s = self.hop_samples / rate_hz
        self._hop_s = hop_s
        self._keep = math.exp(-hop_s / _REMEMBERED_S)
        self._keep_gain = math.exp(-hop_s / _GAIN_S)
        self._window = np.hanning(self.frame_samples)
        self._band = _inside(_BAND_HZ, self._size, rate_hz)
        frequencies_hz = np.fft.rfftfreq(self.frame_samples, 1 / rate_hz)
        centres_hz = _GAIN_BAND_HZ[0] * 2 ** (np.arange(19) / 3)
        self._thirds = [
            (frequencies_hz >= low) & (frequencies_hz < high)
            for low, high in zip(centres_hz * 2 ** (-1 / 6), centres_hz * 2 ** (1 / 6), strict=True)
            if high < rate_hz / 2
        ]
        self._not_itself = round(_NOT_ITSELF_S * rate_hz)
        self._shifts = [0, *(round(part * rate_hz) for part in _BEFORE_S)]
        self._gate = _gate(self.frame_samples, rate_hz)
        most = self.frame_samples + self._lags + round((LONGEST_DELAY_S + EARLIER_S) * rate_hz)
        self._heard_length, self._played_length = self.frame_samples, most
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._delay: int | None = None
        self.cut()

    def cut(self) -> None:
        """What comes next does not follow what came before, or is played at another delay."""
        self._heard: Samples = np.zeros(self._heard_length, np.float32)
        self._played: Samples = np.zeros(self._played_length, np.float32)
        self._sum: Real = np.zeros(self._lags + 1)
        self._place, self._run = -1, 0
        self._place_at_once = -1
        self._alone_at_once: list[float] = []
        self._lost_s = 0.0
        self._found: int | None = None
        self._loop: Loop | None = None
        self.forget_gain()

    def forget_gain(self) -> None:
        """Measure how loud it is anew: what was heard was distorted."""
        bins = self.frame_samples // 2 + 1
        self._cross = np.zeros(bins, np.complex128)
        self._power: Real = np.zeros(bins)
        self._gains_db: list[float] = []

    @property
    def loop(self) -> Loop | None:
        """What was found; None while the speaker is not heard."""
        return self._loop

    def feed(self, heard: Samples, played: Samples, delay_samples: int | None) -> None:
        """One hop more, ``(hop_samples,)`` each.

        Args:
            heard: by the microphone.
            played: what the speaker makes of it, at the same samples of the stream.
            delay_samples: how much later than they were taken they are played, as is told; None
                where that is not known.
        """
        if self._moved(delay_samples):
            self.cut()
            self._delay = delay_samples
        self._heard = np.concatenate([self._heard[len(heard) :], heard])
        self._played = np.concatenate([self._played[len(played) :], played])
        if self._delay is None:
            return
        earliest = max(self._delay - round(EARLIER_S * self._rate_hz), self._not_itself)
        before = self._played[-(self.frame_samples + self._lags + earliest) :]
        before = before[: self.frame_samples + self._lags]
        if _level(self._heard) < _SILENT or _level(before) < _SILENT:
            return
        spectrum = np.fft.rfft(self._heard * self._window, self._size) * self._band
        size = np.abs(spectrum)
        is_narrow = float(np.mean(size[self._band] > _FLOOR * size.max())) < _NARROW
        if not is_narrow:  # a few tones say nothing of a delay, nor that there is none
            self._look(spectrum, before, earliest)
        if self._found is not None:
            self._measure(self._found)

    def _moved(self, delay_samples: int | None) -> bool:
        if delay_samples is None or delay_samples > LONGEST_DELAY_S * self._rate_hz:
            return False
        if self._delay is None:
            return True
        return abs(delay_samples - self._delay) > 0.7 * EARLIER_S * self._rate_hz

    def _look(self, heard: NDArray[np.complex128], before: Samples, earliest: int) -> None:
        """Find the delay, or see whether it is still the same."""
        correlation = self._correlation(heard, before)
        self._sum = self._keep * self._sum + np.clip(correlation, -_OUTLIER, _OUTLIER)
        place, clear, alone = _peak(self._sum, self._rate_hz)
        is_clear = clear >= _CLEAR and alone >= _ALONE
        is_same = abs(place - self._place) <= _SAME_SAMPLES
        self._run = (self._run + 1 if is_same else 1) if is_clear else 0
        self._place = place
        place_at_once, clear, alone = _peak(correlation, self._rate_hz)
        is_clear = clear >= _CLEAR_AT_ONCE
        is_same = abs(place_at_once - self._place_at_once) <= _SAME_SAMPLES
        alone_before = self._alone_at_once if is_same else []
        self._alone_at_once = [*alone_before, alone][-_FRAMES_AT_ONCE:] if is_clear else []
        self._place_at_once = place_at_once
        found = None
        if self._run >= _CLEAR_FRAMES:
            found = earliest + place
        elif (
            len(self._alone_at_once) == _FRAMES_AT_ONCE
            and sum(self._alone_at_once) >= _FRAMES_AT_ONCE * _ALONE_AT_ONCE
        ):
            found = earliest + place_at_once
        if found is not None:
            self._lost_s = 0.0
            if self._found is None or abs(found - self._found) > _SAME_SAMPLES:
                self._found = found
                self.forget_gain()
        elif self._found is not None:
            self._mind_loss(self._found - earliest)

    def _mind_loss(self, place: int) -> None:
        """What is not seen for long is there no longer."""
        around = self._sum[max(place - _SAME_SAMPLES, 0) : place + _SAME_SAMPLES + 1]
        is_seen = np.abs(around).max(initial=0.0) >= _LOST * _rms(self._sum)
        self._lost_s = 0.0 if is_seen else self._lost_s + self._hop_s
        if self._lost_s >= _LOST_S:
            self._found = self._loop = None

    def _correlation(self, heard: NDArray[np.complex128], before: Samples) -> Real:
        """By lag from the earliest on, its root mean square being 1."""
        played = np.fft.rfft(before, self._size)
        white = _whitened(played * self._band) * _whitened(heard).conj()
        # The latest lag comes first: what was played longest ago.
        correlation = np.fft.irfft(white, self._size)[: self._lags + 1][::-1]
        return correlation / max(_rms(correlation), 1e-12)

    def _measure(self, delay: int) -> None:
        """How loud it comes back, by frequency."""
        stop = len(self._played) - delay
        start = stop - self.frame_samples
        if start < 0 or stop > len(self._played):
            return
        if _level(self._played[start:stop]) < _LEAST_PLAYED * _level(self._heard):
            return
        played = np.fft.rfft(self._played[start:stop] * self._window)
        heard = np.fft.rfft(self._heard * self._window)
        self._cross = self._keep_gain * self._cross + heard * played.conj()
        self._power = self._keep_gain * self._power + np.abs(played) ** 2
        ratio = self._cross / (self._power + 1e-5 * self._power.max() + 1e-12)
        response = np.fft.irfft(ratio, self.frame_samples)
        # What is like itself for long is so at every lag: before the peak there is only that.
        echo, *others = (
            self._by_thirds(np.roll(response, shift) * self._gate) for shift in self._shifts
        )
        gain = float((echo - _OTHERS * np.mean(others, axis=0)).max())
        gain_db = 10 * math.log10(max(gain, _LEAST_GAIN))
        self._gains_db = [*self._gains_db[1 - _STEADY_FRAMES :], gain_db]
        if len(self._gains_db) < _FEW_FRAMES:
            steady_db = min(*self._gains_db, _FIRST_DB)
        else:
            steady_db = float(np.quantile(self._gains_db, _STEADY))
        self._loop = Loop(delay_samples=delay, gain_db=steady_db)

    def _by_thirds(self, response: Real) -> Real:
        """The mean power of an impulse response ``(n,)`` in each third of an octave."""
        power = np.abs(np.fft.rfft(response)) ** 2
        return np.array([power[third].mean() for third in self._thirds])


def _inside(band_hz: tuple[float, float], size: int, rate_hz: int) -> NDArray[np.bool_]:
    frequencies_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    return (frequencies_hz >= band_hz[0]) & (frequencies_hz <= band_hz[1])


def _gate(length: int, rate_hz: int) -> Real:
    """1 at lag 0, falling to 0 on both sides; negative lags are at the end."""
    before, after = (round(part * rate_hz) for part in _GATE_S)
    gate = np.zeros(length)
    gate[:after] = 0.5 + 0.5 * np.cos(np.pi * np.arange(after) / after)
    gate[-before:] = 0.5 - 0.5 * np.cos(np.pi * np.arange(before) / before)
    return gate


def _whitened(spectrum: NDArray[np.complex128]) -> NDArray[np.complex128]:
    size = np.abs(spectrum)
    white: NDArray[np.complex128] = spectrum / (size + _FLOOR * size.max() + 1e-12)
    return white


def _peak(correlation: Real, rate_hz: int) -> tuple[int, float, float]:
    """Where it is highest, how high against all of it, and against the next highest."""
    size = np.abs(correlation)
    place = int(size.argmax())
    apart = round(_APART_S * rate_hz)
    highest = float(size[place])
    others = max(
        size[: max(place - apart, 0)].max(initial=0.0), size[place + apart + 1 :].max(initial=0.0)
    )
    level = max(_rms(correlation), 1e-12)
    return place, highest / level, highest / max(float(others), 1e-12)


def _rms(values: Real) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
