"""Sliding windows over columns that are numbered with integers from 0."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


class ColumnWindow(Generic[Item]):
    """The newest ``length`` columns of an endless matrix with ``rows`` rows.

    Columns before number 0 read as ``fill``. Memory is taken once: every column is written twice,
    ``length`` apart, so that each range of the newest columns lies in one piece. A column's rows
    lie side by side: two new ones of thousands of rows are two pieces of memory.
    """

    def __init__(self, rows: int, length: int, dtype: type[Item], fill: float) -> None:
        self._columns: NDArray[Item] = np.full((2 * length, rows), fill, dtype)
        self._length = length
        self._stop = 0

    @property
    def stop(self) -> int:
        """Number of the next column, which is how many there have been."""
        return self._stop

    def append(self, columns: NDArray[Item]) -> None:
        """Take ``(rows, m)`` columns, any ``m >= 0``."""
        self._stop += columns.shape[1]
        newest = columns[:, -self._length :] if columns.shape[1] else columns
        first = (self._stop - newest.shape[1]) % self._length
        until_end = self._length - first
        for part, at in ((newest[:, :until_end], first), (newest[:, until_end:], 0)):
            for copy in (at, at + self._length):
                self._columns[copy : copy + part.shape[1]] = part.T

    def rewind(self, stop: int) -> None:
        """Forget the columns from number ``stop`` on, at most ``length``: others will come."""
        if not self._stop - self._length <= stop <= self._stop:
            raise IndexError(f"cannot go back from column {self._stop} to {stop}")
        self._stop = stop

    def between(self, start: int, stop: int) -> NDArray[Item]:
        """Columns ``[start, stop)`` as a view ``(rows, stop - start)``, valid until ``append``.

        Raises:
            IndexError: a column is no longer, or not yet, in the window.
        """
        if not self._stop - self._length <= start <= stop <= self._stop:
            raise IndexError(
                f"columns [{start}, {stop}) asked for, "
                f"[{self._stop - self._length}, {self._stop}) are held"
            )
        first = start % self._length
        held: NDArray[Item] = self._columns[first : first + stop - start].T
        return held
