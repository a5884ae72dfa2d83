"""A bounded first-in first-out buffer of rows between one writer and one reader, without locks.

The audio callback is one side of it, so neither side allocates, waits or logs. Both counters only
ever grow and each is changed by one side only, which is what makes a lock unnecessary: the other
side sees an old value at worst, and an old value errs on the safe side.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)


class Ring(Generic[Item]):
    """``capacity`` rows of ``columns`` items each, of one dtype.

    When full, the rows that do not fit are refused (the newest are lost, what is queued stays
    whole); the writer is told by the return value of :meth:`write`.
    """

    def __init__(self, capacity: int, columns: int, dtype: type[Item]) -> None:
        if capacity < 1 or columns < 1:
            raise ValueError(f"wanted capacity and columns >= 1, got {capacity} and {columns}")
        self._rows: NDArray[Item] = np.zeros((capacity, columns), dtype)
        self._capacity = capacity
        self._written = 0  # changed by the writer only
        self._taken = 0  # changed by the reader only

    @property
    def capacity(self) -> int:
        """Rows that fit."""
        return self._capacity

    @property
    def queued(self) -> int:
        """Rows that wait for the reader."""
        return self._written - self._taken

    @property
    def free(self) -> int:
        """Rows that can be written now."""
        return self._capacity - self.queued

    @property
    def written(self) -> int:
        """Rows ever accepted."""
        return self._written

    def write(self, rows: NDArray[Any]) -> int:
        """Queue the first rows of ``rows`` (n, columns) that fit; returns how many. Writer only."""
        count: int = min(rows.shape[0], self.free)
        start = self._written % self._capacity
        until_wrap = min(count, self._capacity - start)
        self._rows[start : start + until_wrap] = rows[:until_wrap]
        self._rows[: count - until_wrap] = rows[until_wrap:count]
        self._written += count
        return count

    def read_into(self, out: NDArray[Any]) -> int:
        """Move the oldest rows into ``out`` (n, columns); returns how many. Reader only.

        Rows of ``out`` beyond the returned count are left as they are.
        """
        count: int = min(out.shape[0], self.queued)
        start = self._taken % self._capacity
        until_wrap = min(count, self._capacity - start)
        out[:until_wrap] = self._rows[start : start + until_wrap]
        out[until_wrap:count] = self._rows[: count - until_wrap]
        self._taken += count
        return count

    def read(self, most: int) -> NDArray[Item]:
        """Up to ``most`` of the oldest rows as a new array (n, columns). Reader only."""
        out = np.empty((min(most, self.queued), self._rows.shape[1]), self._rows.dtype)
        self.read_into(out)
        return out

    def skip(self, most: int) -> int:
        """Throw up to ``most`` of the oldest rows away; returns how many. Reader only."""
        count = min(most, self.queued)
        self._taken += count
        return count
