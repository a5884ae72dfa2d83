"""Cuts: whether a picture still shows what the one before it showed. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Ten pictures a second of one shot, players and cameras in hand included, stay above 0.9; those on
# two sides of a cut below 0.4 (four clips).
_SAME = 0.6
_FLAT = 0.02  # standard deviation, of 0..1, of a picture that is dark or of one colour


class Shots:
    """Counts shots by the pattern of coarse tiles in each colour, whatever their level."""

    def __init__(self, tile_px: int, number: int = 0) -> None:
        """``tile_px``: side of a tile; the pictures' sides are multiples of it.

        ``number``: of the first shot.
        """
        self._tile_px = tile_px
        self._number = number
        self._shape: tuple[int, int] | None = None  # of the tiles
        self._former: NDArray[np.float32] | None = None

    def feed(self, picture: NDArray[np.uint8]) -> int:
        """The number of the shot, from 0, of the next picture ``(H, W, 3)`` uint8.

        A dark picture, or one of a single colour, says nothing: the shot goes on. One of other
        proportions than the former's is another shot.
        """
        side = self._tile_px
        rows, columns = picture.shape[0] // side, picture.shape[1] // side
        strips = picture.reshape(rows, side, -1).sum(axis=1, dtype=np.uint32)
        tiled = strips.reshape(rows, columns, side, 3).sum(axis=2) / np.float32(255 * side**2)
        if (rows, columns) != self._shape:
            self._number += self._shape is not None
            self._shape, self._former = (rows, columns), None
        pattern = (tiled - tiled.mean(axis=(0, 1))).reshape(-1).astype(np.float32)
        if pattern.std() < _FLAT:
            return self._number
        pattern /= np.linalg.norm(pattern)
        if self._former is not None and float(pattern @ self._former) < _SAME:
            self._number += 1
        self._former = pattern
        return self._number
