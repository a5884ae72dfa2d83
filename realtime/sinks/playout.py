"""How much sound waits for the speaker: enough to bridge a late step, and not more. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayoutSettings:
    """Wanted lengths of the queue as a new piece arrives; it is that much longer afterwards."""

    target_s: float = 0.075
    largest_target_s: float = 0.200
    growth_s: float = 0.020  # the target grows by this with every gap
    shrink_per_s: float = 0.001  # and comes back by this per second of sound
    look_back_s: float = 1.0  # the shortest queue of this long is what counts
    # How far from the target that may be. Wide: the first piece comes when it comes, and a delay
    # that stays is worth more than one that is right.
    slack_s: float = 0.065
    least_piece_s: float = 0.010  # a first piece below this tells nothing of when the next comes
    longest_s: float = 0.400  # a queue above this is shortened at once


@dataclass(frozen=True, slots=True)
class Correction:
    """What to do before the next piece is queued, all in samples, at most one of them not 0."""

    silence: int = 0  # put silence in front: there is nothing to be heard anyway
    shorten: int = 0
    lengthen: int = 0


class Playout:
    """Decide, piece by piece, what keeps the queue at its target.

    The queue swings by the length of a piece; what tells is how short it gets. A device that is
    slower or faster than the microphone moves that by some samples per second, which a correction
    takes back now and then.
    """

    def __init__(self, rate_hz: int, settings: PlayoutSettings | None = None) -> None:
        self._rate_hz = rate_hz
        self._settings = settings or PlayoutSettings()
        self._target_s = self._settings.target_s
        self._queued: deque[tuple[int, int]] = deque()  # (queued, length of the piece), newest last
        self._covered = 0
        self._started = False

    @property
    def target_s(self) -> float:
        """The wanted shortest length of the queue."""
        return self._target_s

    def restart(self) -> None:
        """The device is new: its queue is filled anew."""
        self._forget()
        self._started = False

    def next(self, queued: int, piece: int, gaps: int) -> Correction:
        """A piece of `piece` samples comes, `queued` wait, and the queue was empty `gaps` times.

        `gaps` counts since the last call.
        """
        settings = self._settings
        if gaps and self._started:
            self._target_s = min(self._target_s + settings.growth_s, settings.largest_target_s)
        else:
            shrunk_s = self._target_s - settings.shrink_per_s * piece / self._rate_hz
            self._target_s = max(shrunk_s, settings.target_s)
        target = round(self._target_s * self._rate_hz)
        if not self._started and piece < settings.least_piece_s * self._rate_hz:
            return Correction()
        if gaps or not self._started:
            self._started = True
            self._forget()
            return Correction(silence=max(0, target - queued))
        if queued > settings.longest_s * self._rate_hz:
            self._forget()
            return Correction(shorten=queued - target)
        self._remember(queued, piece)
        if self._covered < settings.look_back_s * self._rate_hz:
            return Correction()
        excess = min(queued for queued, _ in self._queued) - target
        if abs(excess) <= settings.slack_s * self._rate_hz:
            return Correction()
        self._forget()
        return Correction(shorten=max(excess, 0), lengthen=max(-excess, 0))

    def _remember(self, queued: int, piece: int) -> None:
        self._queued.append((queued, piece))
        self._covered += piece
        while self._covered - self._queued[0][1] >= self._settings.look_back_s * self._rate_hz:
            self._covered -= self._queued.popleft()[1]

    def _forget(self) -> None:
        self._queued.clear()
        self._covered = 0
