"""From samples to features, and to the columns that they divide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import Analysis, AudioSpec
from pixelplayer.stft import FADE_HOPS, Samples, Spectrum, StreamingStft, low_delay
from pixelplayer.warp import LogFrequencyWarp
from realtime.stages.ears import Ear

# The columns that are divided are ahead of those that are listened to by one; see ``low_delay``.
LEAST_LOOKAHEAD_COLUMNS = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many columns at a time, and how late.

    ``columns_per_step`` (h) columns are divided together once ``lookahead_columns`` (R) more were
    heard; at -1 a column is divided as the one before it sounds. One inference serves up to
    ``most_columns_per_step`` where more are waiting: a slow machine then falls behind by one step
    at most. A network that streams skips most of them. Where the result must be the same every
    time (``--pace fast``) the two are equal.
    With ``stretch_columns`` so many are heard together, as soon as all of them are there.
    With ``window_step_columns`` a window is looked at whole every so many columns, whatever is due,
    and a column is what all windows say of it in the mean.
    """

    columns_per_step: int
    lookahead_columns: int
    most_columns_per_step: int
    window_step_columns: int = 0
    stretch_columns: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.columns_per_step <= self.most_columns_per_step:
            raise ValueError(f"wanted 1 <= columns_per_step <= most_columns_per_step, got {self}")
        if self.lookahead_columns < LEAST_LOOKAHEAD_COLUMNS:
            raise ValueError(f"wanted lookahead_columns >= {LEAST_LOOKAHEAD_COLUMNS}, got {self}")

    @property
    def newest_columns(self) -> int:
        """Columns that a step asks for of the newest."""
        return max(self.columns_per_step + self.lookahead_columns, 1)

    @property
    def delay_columns(self) -> float:
        """The algorithmic delay: from a sample's coming in to its going out, in hops, at most.

        A column gives its hop at once but for what fades into the next (``low_delay``); it is there
        a hop after its centre, when the symmetric one before it is, too.
        """
        return self.columns_per_step + 1 + FADE_HOPS + self.lookahead_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Columns ``[first_column, first_column + w)``.

    ``features`` float32 ``(K, F, w)``, ``spectrum`` complex64 ``(bins, w)``, with windows of low
    delay; both are new arrays. ``known_samples``: how many there are since sample 0.
    """

    first_column: int
    known_samples: int
    features: NDArray[np.float32]
    spectrum: Spectrum


class Listener:
    """``feed`` samples, get features of all columns that are due; ``flush`` for the rest.

    What is listened to has symmetric windows, what is divided has windows of low delay: column by
    column they are of the same moment.

    Args:
        ear: hears every column.
        channels: K.
        first_column: number of the first column, in units of hops since sample 0.
    """

    def __init__(  # noqa: PLR0917  model, transform, time
        self,
        ear: Ear,
        audio: AudioSpec,
        channels: int,
        analysis: Analysis,
        pace: Pace,
        first_column: int,
    ) -> None:
        if pace.newest_columns > audio.columns:
            raise ValueError(f"{pace} does not fit a window of {audio.columns} columns")
        self.analysis = analysis
        self._ear = ear
        self._pace = pace
        self._columns = audio.columns
        self._shape = (channels, audio.frequency_bins)
        self._origin = first_column
        self._stft = StreamingStft(analysis)
        self._divided_stft = StreamingStft(analysis, low_delay(analysis))
        self._warp = LogFrequencyWarp(audio, analysis)
        self._waiting: Spectrum = np.zeros((analysis.bins, 0), np.complex64)  # to be heard
        self._divided = self._waiting  # those that were not given away yet
        self._given = 0  # columns given away
        ear.look_ahead(pace.lookahead_columns, pace.columns_per_step)
        self._received_samples = 0

    @property
    def pace(self) -> Pace:
        """As it steps now."""
        return self._pace

    def look_ahead(self, columns: int) -> None:
        """Hear so many columns ahead from now on: what is due comes later, or earlier.

        Raises:
            ValueError: it does not fit the window.
        """
        pace = replace(self._pace, lookahead_columns=columns)
        if pace.newest_columns > self._columns:
            raise ValueError(f"{pace} does not fit a window of {self._columns} columns")
        self._ear.look_ahead(pace.lookahead_columns, pace.columns_per_step)
        self._pace = pace

    @property
    def pending_columns(self) -> int:
        """Columns that have come in and not gone out."""
        taken: int = self._ear.heard + self._waiting.shape[1]
        return max(taken - self._given, 0)

    def feed(self, samples: Samples) -> list[Heard]:
        """Take ``(n,)`` float32 samples; give the columns that are due, in order."""
        self._received_samples += len(samples)
        return self._take(self._stft.feed(samples), self._divided_stft.feed(samples))

    def flush(self) -> list[Heard]:
        """Give all remaining columns, with silence in the place of what never came."""
        heard = self._take(self._stft.flush(), self._divided_stft.flush())
        total = self._given + self._divided.shape[1]
        while self._given < total:
            heard += self._take(*(self._silence(self._wanted), self._silence(self._missing)))
        excess = self._given - total
        if excess:
            last = heard[-1]
            heard[-1] = replace(
                last,
                features=np.ascontiguousarray(last.features[:, :, :-excess]),
                spectrum=np.ascontiguousarray(last.spectrum[:, :-excess]),
            )
        return heard

    def _silence(self, columns: int) -> Spectrum:
        return np.zeros((self.analysis.bins, max(columns, 0)), np.complex64)

    @property
    def _wanted(self) -> int:
        """Columns that must come to be heard before the next step is due."""
        pace = self._pace
        newest = self._stretched(self._given + pace.columns_per_step + pace.lookahead_columns)
        waiting: int = self._waiting.shape[1]
        return newest - self._ear.heard - waiting

    def _stretched(self, columns: int) -> int:
        """So many, up to a whole stretch."""
        return columns + -columns % self._pace.stretch_columns

    @property
    def _missing(self) -> int:
        """Columns that must come to be divided before the next step is due."""
        there: int = self._divided.shape[1]
        return self._pace.columns_per_step - there

    def _take(self, spectrum: Spectrum, divided: Spectrum) -> list[Heard]:
        heard = []
        self._waiting = np.concatenate([self._waiting, spectrum], axis=1)
        self._divided = np.concatenate([self._divided, divided], axis=1)
        h = self._pace.columns_per_step
        while self._wanted <= 0 and self._missing <= 0:
            due = 1 + min(-self._wanted, -self._missing) // h
            heard.append(self._step(min(due, self._most_steps)))
        return heard

    @property
    def _most_steps(self) -> int:
        """That one inference may serve."""
        pace = self._pace
        fitting = self._columns - max(pace.lookahead_columns, 0)
        return min(pace.most_columns_per_step, fitting) // pace.columns_per_step

    def _step(self, steps: int) -> Heard:
        """Let the columns in that ``steps`` steps wait for, and give away theirs at once."""
        columns = steps * self._pace.columns_per_step
        start, stop = self._given, self._given + columns
        heard = max(self._stretched(stop + self._pace.lookahead_columns) - self._ear.heard, 0)
        self._ear.hear(self._warp.log_magnitude(self._waiting[:, :heard]))
        self._waiting = self._waiting[:, heard:]
        due = self._divided[:, :columns].copy()
        self._divided = self._divided[:, columns:]
        self._given = stop
        # No mask makes a difference to silence: after a gap, the step costs nothing.
        is_silent = not due.any()
        silence = np.zeros((*self._shape, columns), np.float32)
        return Heard(
            first_column=self._origin + start,
            known_samples=self._origin * self.analysis.hop + self._received_samples,
            features=silence if is_silent else self._ear.features(start, stop),
            spectrum=due,
        )
