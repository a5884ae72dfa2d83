"""What the pixels sounded in the last seconds, and which of them sound alike. Pure."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from pixelplayer.bands import Floats, from_levels
from pixelplayer.sound_map import SoundMap
from realtime.clock import NS_PER_S
from realtime.spectra import PixelSpectra

MOST_COLUMNS = 28  # of a pixel's spectrogram: two and a half seconds
_PLACED_EVERY = 3  # columns: the eye follows colours no faster


class PixelHistory:
    """Takes spectra in order; a cut, or another grid, begins a new history."""

    def __init__(self) -> None:
        self._columns: deque[NDArray[np.uint8]] = deque(maxlen=MOST_COLUMNS)
        self._kind: tuple[int, int, int] | None = None  # rows and columns of the grid, the shot
        self._map = SoundMap(0)
        self._places: Floats = np.zeros((0, 0, 2), np.float32)
        self._unplaced = 0

    def feed(self, message: PixelSpectra) -> None:
        """One more column of every pixel."""
        rows, columns, _ = message.levels.shape
        kind = (rows, columns, message.shot)
        if kind != self._kind:
            self._kind = kind
            self._map = SoundMap(rows * columns)
            self._unplaced = _PLACED_EVERY
            self._columns.clear()
        self._columns.append(message.levels)
        powers = from_levels(message.levels).reshape(rows * columns, -1)
        self._map.feed(powers, message.duration_ns / NS_PER_S)
        self._unplaced += 1

    def levels(self) -> NDArray[np.uint8] | None:
        """``(h, w, bands, MOST_COLUMNS)`` uint8, the newest last; None before the first.

        What was before the first is silence.
        """
        if not self._columns:
            return None
        found = np.zeros((*self._columns[0].shape, MOST_COLUMNS), np.uint8)
        found[..., MOST_COLUMNS - len(self._columns) :] = np.stack(self._columns, axis=-1)
        return found

    def places(self) -> Floats | None:
        """``(h, w, 2)`` float32 on the disc of ``pixelplayer.sound_map``; None before the first."""
        if self._kind is None:
            return None
        if self._unplaced >= _PLACED_EVERY:
            self._places = self._map.places().reshape(*self._kind[:2], 2)
            self._unplaced = 0
        return self._places
