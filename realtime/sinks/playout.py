"""When each sample is played: all of them the same time after they were captured. Pure.

The first piece decides where the stream lies on the device's time, with some silence before it to
bridge late steps. From then on every sample has its place. What comes after its place has passed
is left out, what was lost on the way is silence, and so a stall of the machine costs the sound it
swallowed and not a longer delay from there on. Only a delay that proves too short is changed: it
grows, within bounds, and comes back once sound is in time again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median

_NEAR_S = 0.006  # cross-fades miss by up to 5 ms
_LEAST_BEFORE = 2  # seconds that one is held against


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayoutSettings:
    """Wanted lengths of the queue as a new piece arrives; it is that much longer afterwards."""

    target_s: float = 0.075
    first_s: float = 0.075  # at the start, when every process is new; then the queue settles
    largest_target_s: float = 0.200
    growth_s: float = 0.020
    shrink_per_s: float = 0.001  # and comes back by this per second of sound
    least_piece_s: float = 0.010  # a first piece below this tells nothing of when the next comes
    settle_s: float = 1.5  # the first piece comes when it comes; after this, the delay is set right
    settle_slack_s: float = 0.020
    # A device that is slower or faster than the microphone moves the queue by some samples per
    # second. It has all this time before anything is done: a delay that stays is worth more than
    # one that is right.
    look_back_s: float = 5.0
    slack_s: float = 0.065
    longest_s: float = 0.400  # a queue above this is shortened at once
    # So often late, or for so long, is not a stall: the delay is too short. In the one case it
    # grows a little, in the other by what the least late piece was late, and the target.
    stalls: int = 3
    stalls_within_s: float = 5.0
    longest_stall_s: float = 0.500
    most_growth_s: float = 1.0  # what comes later is left out ...
    hopeless_s: float = 5.0  # ... but not for longer than this: late sound is better than none
    recovery_s: float = 30.0  # so long after the start, or once it grew no more, no slack is given

    @classmethod
    def for_queue(cls, target_s: float) -> PlayoutSettings:
        """As precise as a queue of this length needs it."""
        usual = cls()
        finer = min(target_s / usual.target_s, 1.0)
        return cls(
            target_s=target_s,
            growth_s=finer * usual.growth_s,
            settle_slack_s=max(finer * usual.settle_slack_s, _NEAR_S),
            slack_s=max(finer * usual.slack_s, 2 * _NEAR_S),
        )


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do with the next piece, all in samples, at most one of them not 0."""

    silence: int = 0  # put silence in front
    skip: int = 0  # leave the beginning out: its time has passed
    shorten: int = 0  # without a click, as far as the piece allows; see `Playout.moved`
    lengthen: int = 0


class Playout:
    """Decide, piece by piece, what keeps the delay constant."""

    def __init__(self, rate_hz: int, settings: PlayoutSettings | None = None) -> None:
        self._settings = settings or PlayoutSettings()
        self._rate_hz = rate_hz
        self._target_s = self._settings.target_s
        self._offset: int | None = None  # where on the device's time the stream's sample 0 lies
        self._stalls: deque[int] = deque()  # when they began, in the device's time
        self._late_since: int | None = None
        self._least_late = 0  # of the pieces since then
        seconds = round(self._settings.look_back_s)
        self._lows = _Lows(rate_hz, seconds)
        self._queues, self._delays = _Levels(rate_hz, seconds), _Levels(rate_hz, seconds)
        self._grown = 0.0  # samples that the delay has grown by, and has not lost again
        self._recovery_s = 0.0  # that is left
        self._settled = False
        self._excess = 0  # what the queue is yet to lose, or, negative, to gain

    @property
    def target_s(self) -> float:
        """The wanted shortest length of the queue."""
        return self._target_s

    @property
    def has_begun(self) -> bool:
        """Whether it is decided when samples are played."""
        return self._offset is not None

    @property
    def low_samples(self) -> int:
        """A queue below this is about to run dry; one that is as it should be never gets there."""
        return self._samples(self._target_s / 2)

    def due(self, end: int) -> int | None:
        """The stream's sample that is to be played at the device's time `end`."""
        return None if self._offset is None else end - self._offset

    def restart(self) -> None:
        """The device is new: its queue is filled anew."""
        self._offset = None

    def next(
        self, first_sample: int, piece: int, queued: int, end: int, delay: int | None = None
    ) -> Correction:
        """A piece of `piece` samples comes while `queued` wait.

        `end` is the device's time at the end of the queue, in samples: all that was queued, and
        the silence that the device played when it found nothing. `delay` is when it would be heard
        after it was captured, by the clock on the wall and in samples, if that is known.
        """
        self._recover(piece / self._rate_hz)
        if self._offset is None:
            if piece < self._samples(self._settings.least_piece_s):
                return Correction()
            return self._begin(first_sample, queued, end)
        late = end - (first_sample + self._offset)
        if late > 0:
            return self._late(late, first_sample, piece, queued, end)
        self._late_since = None
        if late < 0:
            if -late > self._samples(self._settings.longest_s):
                return self._begin(first_sample, queued, end)
            return Correction(silence=-late)
        self._watch(queued, piece, delay)
        return Correction(shorten=max(self._excess, 0), lengthen=max(-self._excess, 0))

    def expect(self, later: int) -> None:
        """From here on pieces will come `later` samples later, or, negative, earlier.

        The queue is made longer, or shorter, by as much, without a click.
        """
        if self._offset is not None:
            self._excess -= later
            self._forget()

    def ran_dry(self) -> None:
        """The device had nothing to play, and counted nothing: all that waits is as much later.

        So it is set right as after the start. Where it runs dry again before it is, it still is.
        """
        if self._settled:
            self._unsettle()

    def look_anew(self) -> None:
        """What came until now says nothing of when pieces will come: as while a dial turns."""
        self._forget()

    def moved(self, by: int) -> None:
        """A piece was made longer by `by` samples (shorter where negative), as was asked."""
        if self._offset is not None:
            self._offset += by
        self._excess += by
        self._grown = max(self._grown + min(by, 0), 0.0)
        if abs(self._excess) <= self._samples(_NEAR_S):
            self._excess = 0

    def drifted(self, by: int) -> None:
        """A piece was made longer by `by` samples for the sake of the device's clock."""
        if self._offset is not None:
            self._offset += by

    @property
    def is_steady(self) -> bool:
        """Whether the queue is left as long as it is."""
        return self._settled and not self._excess

    def _begin(self, first_sample: int, queued: int, end: int) -> Correction:
        """Here and now is where the stream goes on, behind as much as is wanted."""
        wanted_s = max(self._target_s, self._settings.first_s)
        silence = max(0, self._samples(wanted_s) - queued)
        self._offset = end + silence - first_sample
        self._grown = 0.0
        self._recovery_s = self._settings.recovery_s
        self._unsettle()
        return Correction(silence=silence)

    def _recover(self, elapsed_s: float) -> None:
        """The target comes back; at last it is forgotten that the delay has grown."""
        settings = self._settings
        shrunk_s = settings.shrink_per_s * elapsed_s
        if self._target_s > settings.target_s:
            self._target_s = max(self._target_s - shrunk_s, settings.target_s)
        else:
            self._recovery_s = max(self._recovery_s - elapsed_s, 0.0)
            self._grown = max(self._grown - shrunk_s * self._rate_hz, 0.0)

    def _late(self, late: int, first_sample: int, piece: int, queued: int, end: int) -> Correction:
        """Leave out what is late, unless that shows that the delay is too short."""
        assert self._offset is not None
        settings = self._settings
        if self._late_since is None:
            self._late_since, self._least_late = end, late
            self._stalls.append(end)
        self._least_late = min(self._least_late, late)
        while self._stalls and end - self._stalls[0] > self._samples(settings.stalls_within_s):
            self._stalls.popleft()
        more = 0
        room = self._samples(settings.most_growth_s) - round(self._grown)
        late_for = end - self._late_since
        if late_for > self._samples(settings.hopeless_s):
            return self._begin(first_sample, queued, end)
        if late_for > self._samples(settings.longest_stall_s) and self._least_late <= room:
            more = min(self._least_late + self._samples(self._target_s), room)
            self._unsettle()
        elif len(self._stalls) >= settings.stalls:
            grown_s = min(self._target_s + settings.growth_s, settings.largest_target_s)
            more = self._samples(grown_s - self._target_s)
            self._target_s = grown_s
            self._stalls.clear()
            self._forget()
        self._offset += more
        if more:
            self._grown += more
            self._recovery_s = settings.recovery_s
        late -= more
        return Correction(skip=min(piece, late)) if late > 0 else Correction(silence=-late)

    def _unsettle(self) -> None:
        """Where the queue is now says little about where it will be."""
        self._late_since = None
        self._settled = False
        self._excess = 0
        self._stalls.clear()
        self._forget()

    def _watch(self, queued: int, piece: int, delay: int | None) -> None:
        """See whether the queue keeps away from its target, and by how much."""
        target = self._samples(self._target_s)
        self._lows.add(queued, piece)
        if self._excess:
            return
        if delay is not None:
            self._queues.add(queued, piece)
            self._delays.add(delay, piece)
        if queued > self._samples(self._settings.longest_s):
            self._correct(queued - target)
        elif not self._settled and self._lows.covered_s >= self._settings.settle_s:
            self._settled = True
            # Of the first seconds one is often late: it says nothing of those that come.
            excess = self._lows.usual - target
            if abs(excess) > self._samples(self._settings.settle_slack_s):
                self._correct(excess)
        elif (jump := self._jump) > self._samples(self._settings.settle_slack_s):
            self._correct(jump)
        elif self._lows.covered_s >= self._settings.look_back_s:
            near = self._samples(self._settings.settle_slack_s)
            slack = self._samples(self._settings.slack_s)
            if self._lows.least > target + (near if self._recovery_s else slack):
                self._correct(self._lows.least - target)
            elif self._lows.usual < target - slack:
                self._correct(self._lows.usual - target)

    @property
    def _jump(self) -> int:
        """By how much both queue and delay are suddenly longer.

        The device played nothing for as long, and told nobody: what has come since waits behind.
        That pieces come earlier lengthens the queue alone, that instants are set right the delay.
        """
        return min(self._queues.jump, self._delays.jump)

    def _forget(self) -> None:
        """The queue was another one until now."""
        self._lows.clear()
        self._queues.clear()
        self._delays.clear()

    def _correct(self, excess: int) -> None:
        self._excess = excess
        self._forget()

    def _samples(self, seconds: float) -> int:
        return round(seconds * self._rate_hz)


class _Lows:
    """How short the queue got, in each of the last seconds: it swings by the length of a piece."""

    def __init__(self, rate_hz: int, seconds: int) -> None:
        self._rate_hz = rate_hz
        self._lows: deque[int] = deque(maxlen=seconds)
        self._left = 0  # of the newest second
        self._covered = 0

    def clear(self) -> None:
        """Begin anew."""
        self._lows.clear()
        self._left = self._covered = 0

    def add(self, queued: int, piece: int) -> None:
        """`queued` waited as a piece of `piece` samples came."""
        if self._left <= 0:
            self._lows.append(queued)
            self._left += self._rate_hz
        self._lows[-1] = min(self._lows[-1], queued)
        self._left -= piece
        self._covered += piece

    @property
    def covered_s(self) -> float:
        """Seconds of sound seen since the beginning."""
        return self._covered / self._rate_hz

    @property
    def least(self) -> int:
        """The shortest queue of all these seconds."""
        return min(self._lows)

    @property
    def usual(self) -> int:
        """The shortest queue of the best second: one late step does not change it."""
        return max(self._lows)


class _Levels:
    """What most pieces of each of the last seconds found."""

    def __init__(self, rate_hz: int, seconds: int) -> None:
        self._rate_hz = rate_hz
        self._levels: deque[float] = deque(maxlen=seconds)
        self._newest: list[int] = []  # of the second that is not over
        self._left = rate_hz  # of that

    def clear(self) -> None:
        """Begin anew."""
        self._levels.clear()
        self._newest.clear()
        self._left = self._rate_hz

    def add(self, found: int, piece: int) -> None:
        """A piece of `piece` samples found so many."""
        self._newest.append(found)
        self._left -= piece
        if self._left <= 0:
            self._levels.append(median(self._newest))
            self._newest.clear()
            self._left += self._rate_hz

    @property
    def jump(self) -> int:
        """How much more it was in the last second than in those before; 0: that is not known."""
        if len(self._levels) <= _LEAST_BEFORE:
            return 0
        *before, last = self._levels
        return round(last - median(before))
