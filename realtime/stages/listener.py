"""From samples to features: the sliding window that the sound network looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import Analysis, ModelSpec
from pixelplayer.stft import Samples, Spectrum, StreamingStft
from pixelplayer.warp import LOG_FLOOR, LogFrequencyWarp
from realtime.windows import ColumnWindow

Infer = Callable[[NDArray[np.float32], int], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many columns at a time, and how late.

    ``columns_per_step`` (h) columns are decoded together once ``lookahead_columns`` (R) more are
    known. One inference serves up to ``most_columns_per_step`` where more are waiting: a slow
    machine then falls behind by one step at most. Where the result must be the same every time
    (``--pace fast``) the two are equal.
    """

    columns_per_step: int
    lookahead_columns: int
    most_columns_per_step: int

    def __post_init__(self) -> None:
        if not 1 <= self.columns_per_step <= self.most_columns_per_step:
            raise ValueError(f"wanted 1 <= columns_per_step <= most_columns_per_step, got {self}")
        if self.lookahead_columns < 0:
            raise ValueError(f"wanted lookahead_columns >= 0, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Columns ``[first_column, first_column + w)``.

    ``features`` float32 ``(K, F, w)``, ``spectrum`` complex64 ``(bins, w)``; both are new arrays.
    """

    first_column: int
    features: NDArray[np.float32]
    spectrum: Spectrum


class Listener:
    """``feed`` samples, get features of all columns that are due; ``flush`` for the rest.

    Args:
        infer: ``(1, 1, F, T)`` log-magnitudes, and how many of the newest columns are wanted, to
            ``(1, K, F, W)`` features of the newest ``W <= T`` columns, at least as many.
        first_column: number of the first column, in units of hops since sample 0.
    """

    def __init__(
        self, infer: Infer, spec: ModelSpec, analysis: Analysis, pace: Pace, first_column: int
    ) -> None:
        audio = spec.audio
        if pace.columns_per_step + pace.lookahead_columns > audio.columns:
            raise ValueError(f"{pace} does not fit a window of {audio.columns} columns")
        self.analysis = analysis
        self._infer = infer
        self._pace = pace
        self._channels = spec.channels
        self._origin = first_column
        self._stft = StreamingStft(analysis)
        self._warp = LogFrequencyWarp(audio, analysis)
        self._waiting: Spectrum = np.zeros((analysis.bins, 0), np.complex64)
        self._loudness = ColumnWindow(
            audio.frequency_bins, audio.columns, np.float32, float(np.log(LOG_FLOOR))
        )
        fitting = min(pace.most_columns_per_step, audio.columns - pace.lookahead_columns)
        self._most_steps = fitting // pace.columns_per_step
        recent = pace.lookahead_columns + self._most_steps * pace.columns_per_step
        self._spectrum = ColumnWindow(analysis.bins, recent, np.complex64, 0.0)
        self._window = np.empty((1, 1, audio.frequency_bins, audio.columns), np.float32)
        self._decoded = 0  # columns given away

    @property
    def pending_columns(self) -> int:
        """Columns that have come in and not gone out."""
        taken: int = self._spectrum.stop + self._waiting.shape[1]
        return taken - self._decoded

    def feed(self, samples: Samples) -> list[Heard]:
        """Take ``(n,)`` float32 samples; give the columns that are due, in order."""
        return self._take(self._stft.feed(samples))

    def flush(self) -> list[Heard]:
        """Give all remaining columns, with silence in the place of what never came."""
        heard = self._take(self._stft.flush())
        total = self._decoded + self.pending_columns
        while self._decoded < total:
            silence = max(self._wanted - self._waiting.shape[1], 0)
            heard += self._take(np.zeros((self.analysis.bins, silence), np.complex64))
        excess = self._decoded - total
        if excess:
            heard[-1] = Heard(
                first_column=heard[-1].first_column,
                features=np.ascontiguousarray(heard[-1].features[:, :, :-excess]),
                spectrum=np.ascontiguousarray(heard[-1].spectrum[:, :-excess]),
            )
        return heard

    @property
    def _wanted(self) -> int:
        """Columns that must come before the next step is due."""
        pace = self._pace
        newest: int = self._decoded + pace.columns_per_step + pace.lookahead_columns
        return newest - self._spectrum.stop

    def _take(self, spectrum: Spectrum) -> list[Heard]:
        heard = []
        self._waiting = np.concatenate([self._waiting, spectrum], axis=1)
        while self._waiting.shape[1] >= self._wanted:
            steps_due = 1 + (self._waiting.shape[1] - self._wanted) // self._pace.columns_per_step
            heard.append(self._step(min(steps_due, self._most_steps)))
        return heard

    def _step(self, steps: int) -> Heard:
        """Let the columns in that ``steps`` steps wait for, and decode theirs at once."""
        h = self._pace.columns_per_step
        taken = self._wanted + (steps - 1) * h
        spectrum = self._waiting[:, :taken]
        self._waiting = self._waiting[:, taken:]
        self._spectrum.append(spectrum)
        self._loudness.append(self._warp.log_magnitude(spectrum))
        start = self._decoded
        self._decoded += steps * h
        due = self._spectrum.between(start, self._decoded).copy()
        return Heard(first_column=self._origin + start, features=self._features(due), spectrum=due)

    def _features(self, due: Spectrum) -> NDArray[np.float32]:
        """Features ``(K, F, w)`` of the newest columns but the lookahead."""
        columns = due.shape[1]
        if not due.any():
            # No mask makes a difference to silence: after a gap, the step costs nothing.
            rows = self._window.shape[2]
            return np.zeros((self._channels, rows, columns), np.float32)
        newest = self._loudness.stop
        self._window[0, 0] = self._loudness.between(newest - self._window.shape[3], newest)
        lookahead = self._pace.lookahead_columns
        features = self._infer(self._window, columns + lookahead)[0]
        stop = features.shape[2] - lookahead
        return np.array(features[:, :, stop - columns : stop], np.float32)
