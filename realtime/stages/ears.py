"""From columns of loudness to features: a network on a sliding window, or one that remembers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import AudioSpec, ModelSpec
from pixelplayer.warp import LOG_FLOOR
from realtime.ahead import answered
from realtime.windows import ColumnWindow

Floats = NDArray[np.float32]
OnWindow: TypeAlias = Callable[[Floats, int], Floats]


class Ear(Protocol):
    """Hears every column once, in order, and says what was heard."""

    @property
    def heard(self) -> int:
        """Columns heard so far."""

    def look_ahead(self, lookahead_columns: int, columns_per_step: int) -> None:
        """So many columns will be asked for at a time from now on, when so many more were heard."""

    def hear(self, loudness: Floats) -> None:
        """The next columns ``(F, m)``, any ``m >= 0``, log-magnitudes."""

    def features(self, start: int, stop: int) -> Floats:
        """What columns ``start`` to ``stop`` (half-open) sound like: a new ``(K, F, w)``.

        Columns that have not been heard yet sound like the newest that has.
        """


class WindowEar:
    """Looks at the newest columns as a whole, every time it is asked.

    Args:
        infer: ``(1, 1, F, T)`` log-magnitudes, and how many of the newest columns are wanted, to
            ``(1, K, F, W)`` features of the newest ``W <= T`` columns, at least as many.
    """

    def __init__(self, infer: OnWindow, audio: AudioSpec) -> None:
        self._infer = infer
        silence = float(np.log(LOG_FLOOR))
        self._loudness = ColumnWindow(audio.frequency_bins, audio.columns, np.float32, silence)
        self._window = np.empty((1, 1, audio.frequency_bins, audio.columns), np.float32)

    @property
    def heard(self) -> int:
        """Columns heard so far."""
        return self._loudness.stop

    def look_ahead(self, lookahead_columns: int, columns_per_step: int) -> None:
        """A window has all that was heard, whatever is asked for."""

    def hear(self, loudness: Floats) -> None:
        """The next columns ``(F, m)``."""
        self._loudness.append(loudness)

    def features(self, start: int, stop: int) -> Floats:
        """What columns ``start`` to ``stop`` sound like: a new ``(K, F, w)``.

        Raises:
            IndexError: ``start`` is no longer in the window.
        """
        newest, length = self.heard, self._window.shape[3]
        self._window[0, 0] = self._loudness.between(newest - length, newest)
        wanted = max(newest - start, 1)
        if wanted > length:
            raise IndexError(f"column {start} asked for, the window begins at {newest - length}")
        said = self._infer(self._window, wanted)[0]
        places = np.minimum(np.arange(start, stop), newest - 1) - newest
        return np.ascontiguousarray(said[..., said.shape[2] + places], np.float32)


class PatientEar:
    """Looks at a window of every so many columns, and gives the mean of all that see a column.

    As ``pixelplayer.offline``, of sound that is still coming: what one window gets wrong, others
    get right. Of each end of a window as many columns count for nothing, except at the beginning.

    Args:
        infer: ``(1, 1, F, T)`` and T to ``(1, K, F, T)``: all of the window.
        step: columns from one window to the next.
    """

    def __init__(self, infer: OnWindow, audio: AudioSpec, channels: int, step: int) -> None:
        self._infer = infer
        self._step = step
        silence = float(np.log(LOG_FLOOR))
        self._loudness = ColumnWindow(audio.frequency_bins, audio.columns, np.float32, silence)
        self._window = np.empty((1, 1, audio.frequency_bins, audio.columns), np.float32)
        # Sums over windows, and how many there were, from column ``_first`` on.
        self._sums = np.zeros((channels, audio.frequency_bins, 2 * audio.columns), np.float32)
        self._counts = np.zeros(2 * audio.columns, np.float32)
        self._first = -audio.columns

    @property
    def heard(self) -> int:
        """Columns heard so far."""
        return self._loudness.stop

    def look_ahead(self, lookahead_columns: int, columns_per_step: int) -> None:
        """A window has all that was heard, whatever is asked for."""

    def hear(self, loudness: Floats) -> None:
        """The next columns ``(F, m)``; windows are looked at as they get full."""
        width = self._window.shape[3]
        while loudness.shape[1]:
            missing = width - self.heard if self.heard < width else self._to_next
            new, loudness = loudness[:, :missing], loudness[:, missing:]
            self._loudness.append(new)
            if self.heard >= width and self._to_next == self._step:
                self._look()

    @property
    def _to_next(self) -> int:
        """Columns until the next window is full."""
        return self._step - (self.heard - self._window.shape[3]) % self._step

    def _look(self) -> None:
        width, heard = self._window.shape[3], self.heard
        self._window[0, 0] = self._loudness.between(heard - width, heard)
        said = self._infer(self._window, width)[0]
        gone = heard - 2 * width - self._first
        kept = self._sums.shape[2] - gone
        if gone > 0:
            self._sums[..., :kept] = self._sums[..., gone:]
            self._counts[:kept] = self._counts[gone:]
            self._sums[..., kept:], self._counts[kept:] = 0, 0
            self._first += gone
        first = heard - width if heard == width else heard - width + self._step
        place = slice(first - self._first, heard - self._step - self._first)
        self._sums[..., place] += said[..., first - (heard - width) : width - self._step]
        self._counts[place] += 1

    def features(self, start: int, stop: int) -> Floats:
        """What columns ``start`` to ``stop`` sound like: a new ``(K, F, w)``.

        Raises:
            IndexError: no window has seen one of them, or they are forgotten.
        """
        place = slice(start - self._first, stop - self._first)
        counts = self._counts[place] if start >= self._first else self._counts[:0]
        if len(counts) < stop - start or not counts.all():
            raise IndexError(f"columns {start} to {stop} asked for, {self.heard} were heard")
        return np.ascontiguousarray(self._sums[..., place] / counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Where more steps than ``most_steps`` wait, only the newest ``heard_steps`` are heard.

    Of twice as many, one. A mask that is held for two columns is nearly as wrong as one that is
    held for twenty, and so is what is said just after a gap: what is heard follows one another.
    """

    most_steps: int
    heard_steps: int

    def skipped(self, steps: int) -> int:
        """How many of so many steps are not heard."""
        if steps <= self.most_steps:
            return 0
        return steps - (self.heard_steps if steps <= 2 * self.most_steps else 1)


# After a hiccup of a tenth of a second nothing is skipped.
BEHIND = Behind(most_steps=4, heard_steps=3)


class Steps(Protocol):
    """A network that is given what is new, and remembers the rest."""

    @property
    def columns(self) -> int:
        """That are given at a time."""

    @property
    def frame(self) -> int:
        """The least columns that could be given: ``columns``, or a whole part of them."""

    @property
    def lookahead(self) -> int:
        """Columns that are heard beyond those that are answered."""

    def look_ahead(self, columns: int) -> None:
        """From the next step on."""

    def reset(self) -> None:
        """Forget what was heard."""

    def step(self, log_magnitude: Floats) -> Floats:
        """The next ``(1, 1, F, t)`` to what is said then, ``(1, K, F, t)``."""


class StreamEar:
    """Hears what is new with a network that remembers, and keeps what it said for a while.

    Args:
        network: what it says of a column comes as many columns later as it looks ahead.
        spec: the model's.
        behind: what to do where many columns wait; None: hear all of them.
        lead_columns: of silence before the first, so that frames begin so many columns earlier.
    """

    def __init__(
        self,
        network: Steps,
        spec: ModelSpec,
        behind: Behind | None = None,
        lead_columns: int = 0,
    ) -> None:
        self._network = network
        self._behind = behind
        self._own_lead = lead_columns
        self._sound = spec.sound
        self._shape = (spec.channels, spec.audio.frequency_bins)
        self._steps = 0
        self._lead = 0  # columns of silence before the first
        self._waiting = np.zeros((spec.audio.frequency_bins, 0), np.float32)
        # As far back as a window would allow to ask; by the number of the column it was said of.
        furthest = max(spec.sound.lookaheads, default=spec.audio.columns // 2)
        length = spec.audio.columns + furthest + network.columns
        self._said = ColumnWindow(math.prod(self._shape), length, np.float32, 0.0)
        self._heard = 0

    @property
    def heard(self) -> int:
        """Columns heard so far."""
        return self._heard

    def look_ahead(self, lookahead_columns: int, columns_per_step: int) -> None:
        """As far as the network can and may.

        Raises:
            ValueError: it was made to hear further ahead, or does not.
        """
        ahead = answered(self._sound, lookahead_columns, columns_per_step)
        self._network.look_ahead(ahead)
        if not self._heard:  # so that a step is full when columns are due, and none waits
            self._lead = self._own_lead + -ahead % self._network.frame
            silence = np.log(LOG_FLOOR)
            self._waiting = np.full((self._shape[1], self._lead), silence, np.float32)

    def hear(self, loudness: Floats) -> None:
        """The next columns ``(F, m)``; the network is asked once a step of it is full."""
        self._heard += loudness.shape[1]
        waiting = np.concatenate([self._waiting, loudness], axis=1)
        step = self._network.columns
        steps = waiting.shape[1] // step
        whole = steps * step
        skipped = self._behind.skipped(steps) if self._behind else 0
        self._steps += skipped
        for start in range(skipped * step, whole, step):
            new = np.ascontiguousarray(waiting[None, None, :, start : start + step])
            self._say(self._network.step(new).reshape(-1, step))
        self._waiting = waiting[:, whole:]

    def features(self, start: int, stop: int) -> Floats:
        """What columns ``start`` to ``stop`` sound like: a new ``(K, F, w)``.

        Zeros as long as nothing was said.

        Raises:
            IndexError: what was said of ``start`` is forgotten.
        """
        channels, bins = self._shape
        last = self._said.stop
        if not last:
            return np.zeros((channels, bins, stop - start), np.float32)
        if 0 <= start < stop <= last:
            kept = self._said.between(start, stop)
        else:
            places = np.clip(np.arange(start, stop), 0, last - 1)
            first = int(places[0])
            kept = self._said.between(first, last)[:, places - first]
        # Of one column a contiguous view would be no copy, and change with what is said next.
        return np.array(kept, np.float32, order="C").reshape(channels, bins, -1)

    def _say(self, said: Floats) -> None:
        """Keep what was said, in the place of what was said of the same columns before.

        Of columns that are skipped, because they wait or as the lookahead shrinks, the same is said
        as of the next.
        """
        step = said.shape[1]
        of = self._steps * step - self._lead - self._network.lookahead
        self._steps += 1
        if of + step <= 0:
            return
        said = said[:, max(-of, 0) :]
        of = max(of, 0)
        self._said.rewind(min(of, self._said.stop))
        if skipped := of - self._said.stop:
            self._said.append(said[:, :1].repeat(skipped, axis=1))
        self._said.append(said)
