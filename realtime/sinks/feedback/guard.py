"""Keeps the speaker from howling: hears the loop, turns it down, cuts what grows. Pure.

Nothing is delayed, and nothing is changed while no loop is found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.sinks.feedback.howl_watch import HowlWatch
from realtime.sinks.feedback.loop_watch import LoopWatch
from realtime.sinks.feedback.notches import Notch, Notches
from realtime.sinks.limiter import Limiter

Samples = NDArray[np.float32]

MOST_TAMED_DB = 40.0
# What is measured is the mean of a third of an octave and 30 ms of the room; single frequencies lie
# so much higher in a reverberant room.
_CREST_DB = 6.0
_MARGIN_DB = 6.0  # below a loop gain of 1
_ATTACK_DB_PER_S = 400.0
_RELEASE_DB_PER_S = 2.0
_MOST_NOTCHES = 6
_NOTCH_DB = 18.0
_NOTCH_HOLD_S = 20.0
_NOTCH_RELEASE_DB_PER_S = 1.0
_NOTCH_STEP_DB = 3.0
_SAME_RATIO = 1.015  # a quarter of a semitone
_TRIED_S = 0.5  # beyond the loop's delay, until a notch must have helped
_HELPED_DB = 4.0
_UNTRUSTED_S = 20.0  # a frequency whose notch did not help is music
_NEAR_DB = 6.0  # below a loop gain of 1: nearer to it less is enough to call a tone a howl
_FULL_SCALE = 0.95
_FULL_FRAMES = 3  # of which each is at full scale, where no loop is known
_GROWN_DB, _USUAL_FRAMES = 6.0, 64  # above the median of so many frames, where a loop is known
_RISING_FRAMES, _FALL_DB = 6, 0.5  # in a row, in which it does not fall by more
_KNOWN_DB = -10.0  # a loop gain to be remembered when tones hide it
_STEP_DB = 10.0
_TRUSTED_S = 30.0
_EXTRA_DB = 3.0  # where notches are not enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """``loop_gain_db`` is that of the loop without taming, None while none is found."""

    loop_gain_db: float | None
    tamed_db: float  # by how much all is turned down, >= 0
    notches: int
    howls: int  # that were found so far
    highest_gain_db: float | None  # of the loop, so far


@dataclass(slots=True)
class _Cut:
    """A notch at work."""

    frequency_hz: float
    depth_db: float
    before_db: float  # the tone, as it was found
    age_s: float = 0.0
    is_tried: bool = False


class FeedbackGuard:
    """Between the mix and the speaker: :meth:`feed` per piece, in the order of the stream."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._loops = LoopWatch(rate_hz)
        self._hop = self._loops.hop_samples
        self._hop_s = self._hop / rate_hz
        self._howls = HowlWatch(rate_hz, self._loops.frame_samples, self._hop)
        self._notches = Notches(rate_hz, 2)
        self._limiter = Limiter(rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget all, and change nothing."""
        self._gain_db = 0.0
        self._wanted_db = 0.0
        self._extra_db = 0.0
        self._cuts: list[_Cut] = []
        self._untrusted: dict[float, float] = {}  # frequency -> seconds left
        self._howls_found = 0
        self._wait_s = 0.0
        self._trusted_s = 0.0
        self._tried_db: float | None = None
        self._full_frames = 0
        self._levels_db: list[float] = []
        self._loop_gain_db: float | None = None
        self._highest_gain_db: float | None = None
        self._notches.reset()
        self._limiter.reset()
        self._loops.reset()
        self._howls.reset()
        self._empty()

    def cut(self) -> None:
        """What comes next does not follow: listen anew, and hold what is held."""
        self._loops.cut()
        self._howls.reset()
        self._empty()

    def _empty(self) -> None:
        self._heard: Samples = np.zeros(self._hop, np.float32)
        self._played: Samples = np.zeros(self._hop, np.float32)
        self._filled = 0
        self._loudest_sample = 0.0

    @property
    def feedback(self) -> Feedback:
        """How it stands."""
        return Feedback(
            loop_gain_db=self._loop_gain_db,
            tamed_db=abs(self._gain_db),
            notches=len(self._cuts),
            howls=self._howls_found,
            highest_gain_db=self._highest_gain_db,
        )

    def feed(
        self, mix: Samples, heard: Samples, loudest: float, delay_samples: int | None
    ) -> Samples:
        """What to play instead of ``mix``; the same array while nothing is to be done.

        Args:
            mix: ``(2, n)``.
            heard: ``(n,)``, the microphone at the same samples.
            loudest: the highest gain, linear, of what is mixed.
            delay_samples: as for :meth:`LoopWatch.feed`.
        """
        if len(heard) <= self._hop - self._filled:
            return self._piece(mix, heard, loudest, delay_samples)
        pieces = []
        start = 0
        while start < len(heard):
            stop = min(start + self._hop - self._filled, len(heard))
            pieces.append(
                self._piece(mix[:, start:stop], heard[start:stop], loudest, delay_samples)
            )
            start = stop
        return np.concatenate(pieces, axis=1)

    def _piece(
        self, mix: Samples, heard: Samples, loudest: float, delay_samples: int | None
    ) -> Samples:
        """At most to the end of a hop."""
        played = self._tamed(mix)
        if len(heard):
            peak = max(float(np.abs(mix).max()), float(np.abs(heard).max()))
            self._loudest_sample = max(self._loudest_sample, peak)
        stop = self._filled + len(heard)
        self._heard[self._filled : stop] = heard
        self._played[self._filled : stop] = played.mean(axis=0)
        self._filled = stop
        if stop == self._hop:
            self._decide(loudest, delay_samples)
            self._empty()
        return played

    def _tamed(self, mix: Samples) -> Samples:
        cut = self._notches.feed(mix)
        if self._gain_db != 0.0 or self._wanted_db != 0.0:
            cut = np.asarray(cut * self._ramp(cut.shape[1]), dtype=np.float32)
        # A notch may ring above full scale for a moment.
        return cut if cut is mix else self._limiter.feed(cut)

    def _ramp(self, length: int) -> NDArray[np.float64]:
        """The next gains, linear: down at once, up slowly."""
        steps = np.arange(1, length + 1) / self._rate_hz
        if self._wanted_db < self._gain_db:
            gains_db = np.maximum(self._gain_db - _ATTACK_DB_PER_S * steps, self._wanted_db)
        else:
            gains_db = np.minimum(self._gain_db + _RELEASE_DB_PER_S * steps, self._wanted_db)
        self._gain_db = float(gains_db[-1])
        gains: NDArray[np.float64] = 10 ** (gains_db / 20)
        return gains

    def _decide(self, loudest: float, delay_samples: int | None) -> None:
        """Once per hop: what is heard, and what to do."""
        self._loops.feed(self._heard, self._played, delay_samples)
        loop = self._loops.loop
        self._loop_gain_db = None
        wanted_db, is_near = 0.0, False
        if loop is not None:
            self._loop_gain_db = loop.gain_db + _CREST_DB + 20 * math.log10(max(loudest, 1e-3))
            before_db = self._highest_gain_db
            self._highest_gain_db = max(self._loop_gain_db, before_db or self._loop_gain_db)
            wanted_db = self._loop_gain_db + _MARGIN_DB
            if self._loop_gain_db >= _KNOWN_DB:
                self._trusted_s = _TRUSTED_S
            is_near = self._loop_gain_db + self._gain_db >= -_NEAR_DB
        delay_s = (loop.delay_samples if loop else delay_samples or 0) / self._rate_hz
        self._mind_growth(delay_s, is_loop=loop is not None)
        self._mind_cuts(delay_s)
        for frequency_hz in self._howls.feed(self._heard, is_loop=is_near):
            self._cut_out(frequency_hz)
        self._extra_db = max(self._extra_db - _RELEASE_DB_PER_S * self._hop_s, 0.0)
        tamed_db = max(wanted_db, 0.0) + self._extra_db
        self._wanted_db = -min(tamed_db, MOST_TAMED_DB)
        self._notches.set(tuple(Notch(item.frequency_hz, item.depth_db) for item in self._cuts))

    def _mind_growth(self, delay_s: float, *, is_loop: bool) -> None:
        """Where a loop is at full scale, or all that is left of it is tones: step by step.

        With no loop in sight one step tells: what is a howl falls with it, music does not.
        """
        level_db = 10 * math.log10(float(np.mean(np.square(self._heard, dtype=np.float64))) + 1e-12)
        usual_db = float(np.median(self._levels_db)) if self._levels_db else level_db
        self._levels_db = [*self._levels_db[1 - _USUAL_FRAMES :], level_db]
        self._full_frames = self._full_frames + 1 if self._loudest_sample >= _FULL_SCALE else 0
        self._wait_s = max(self._wait_s - self._hop_s, 0.0)
        self._trusted_s = max(self._trusted_s - self._hop_s, 0.0)
        if self._wait_s:
            return
        if self._tried_db is not None:
            if level_db > self._tried_db - _HELPED_DB and not is_loop:
                self._extra_db = max(self._extra_db - _STEP_DB, 0.0)
                self._wait_s = _UNTRUSTED_S
            else:
                self._trusted_s = _TRUSTED_S
            self._tried_db = None
            return
        is_known = is_loop or self._trusted_s > 0
        steps_db = np.diff(self._levels_db[-_RISING_FRAMES:])
        is_rising = len(steps_db) == _RISING_FRAMES - 1 and bool((steps_db >= -_FALL_DB).all())
        grows = is_rising and level_db >= usual_db + _GROWN_DB
        is_full = self._full_frames >= (1 if is_known else _FULL_FRAMES)
        if is_full or (is_known and grows):
            self._extra_db = min(self._extra_db + _STEP_DB, MOST_TAMED_DB)
            self._wait_s = delay_s + 2 * self._hop_s
            self._tried_db = level_db
            self._loops.forget_gain()

    def _cut_out(self, frequency_hz: float) -> None:
        """A tone howls: a notch where there is none, less of all where there are enough."""
        if any(_same(frequency_hz, known_hz) for known_hz in self._untrusted):
            return
        near = [item for item in self._cuts if _same(frequency_hz, item.frequency_hz)]
        if near and not near[0].is_tried:
            return
        self._howls_found += 1
        level_db = self._howls.level_db(frequency_hz)
        if near:
            near[0].depth_db = _NOTCH_DB
            near[0].age_s, near[0].before_db, near[0].is_tried = 0.0, level_db, False
            self._extra_db += _EXTRA_DB
            return
        if len(self._cuts) >= _MOST_NOTCHES:
            self._extra_db += _EXTRA_DB
            return
        self._cuts.append(_Cut(frequency_hz, _NOTCH_DB, level_db))

    def _mind_cuts(self, delay_s: float) -> None:
        """Take back what did not help, and, slowly, what has helped."""
        self._untrusted = {
            frequency_hz: left_s - self._hop_s
            for frequency_hz, left_s in self._untrusted.items()
            if left_s > self._hop_s
        }
        kept = []
        for item in self._cuts:
            item.age_s += self._hop_s
            if not item.is_tried and item.age_s >= delay_s + _TRIED_S:
                item.is_tried = True
                if self._howls.level_db(item.frequency_hz) > item.before_db - _HELPED_DB:
                    self._untrusted[item.frequency_hz] = _UNTRUSTED_S
                    continue
            past_s = max(item.age_s - _NOTCH_HOLD_S, 0.0)
            steps = math.floor(past_s * _NOTCH_RELEASE_DB_PER_S / _NOTCH_STEP_DB)
            item.depth_db = min(item.depth_db, _NOTCH_DB - steps * _NOTCH_STEP_DB)
            if item.depth_db > 0:
                kept.append(item)
        self._cuts = kept


def _same(one_hz: float, other_hz: float) -> bool:
    return 1 / _SAME_RATIO <= one_hz / other_hz <= _SAME_RATIO
