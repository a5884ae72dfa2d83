"""From columns of loudness to features: a network on a sliding window, or one that remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import AudioSpec
from pixelplayer.warp import LOG_FLOOR
from realtime.windows import ColumnWindow

Floats = NDArray[np.float32]
OnWindow: TypeAlias = Callable[[Floats, int], Floats]


class Ear(Protocol):
    """Hears every column once, in order, and says what was heard."""

    @property
    def heard(self) -> int:
        """Columns heard so far."""

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
