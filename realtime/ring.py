"""A bounded first-in first-out buffer of rows between one writer and one reader, without locks.

The audio callback is one side of it, so neither side allocates, waits or logs. Both counters only
ever grow and each is changed by one side only, which is what makes a lock unnecessary: the other
side sees an old value at worst, and an old value errs on the safe side. The two sides may be two
processes: see :mod:`realtime.shared`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item", bound=np.generic)

Allocate: TypeAlias = Callable[[tuple[int, ...], type[Any]], NDArray[Any]]
"""A new array of this shape and dtype, all 0."""

_WRITTEN, _TAKEN = 0, 1


class Ring(Generic[Item]):
    """``capacity`` rows of ``columns`` items each, of one dtype.

    When full, the rows that do not fit are refused (the newest are lost, what is queued stays
    whole); the writer is told by the return value of :meth:`write`.
    """

    def __init__(
        self, capacity: int, columns: int, dtype: type[Item], allocate: Allocate = np.zeros
    ) -> None:
        if capacity < 1 or columns < 1:
            raise ValueError(f"wanted capacity and columns >= 1, got {capacity} and {columns}")
        self._rows: NDArray[Item] = allocate((capacity, columns), dtype)
        self._capacity = capacity
        self._counts = allocate((2,), np.int64)  # _WRITTEN is the writer's, _TAKEN the reader's
        self._fence = threading.Lock()  # this side's own: it never waits

    def _publish(self, which: int, count: int) -> None:
        """Count rows on, once what was done to them is there for other processors, too."""
        # A processor may put its stores off. It may not put them off beyond the release of a lock,
        # nor do what follows before the next one is taken.
        with self._fence:
            pass
        with self._fence:
            self._counts[which] += count

    @property
    def capacity(self) -> int:
        """Rows that fit."""
        return self._capacity

    @property
    def queued(self) -> int:
        """Rows that wait for the reader."""
        return int(self._counts[_WRITTEN]) - int(self._counts[_TAKEN])

    @property
    def free(self) -> int:
        """Rows that can be written now."""
        return self._capacity - self.queued

    @property
    def written(self) -> int:
        """Rows ever accepted."""
        return int(self._counts[_WRITTEN])

    def write(self, rows: NDArray[Any]) -> int:
        """Queue the first rows of ``rows`` (n, columns) that fit; returns how many. Writer only."""
        count: int = min(rows.shape[0], self.free)
        start = int(self._counts[_WRITTEN]) % self._capacity
        until_wrap = min(count, self._capacity - start)
        self._rows[start : start + until_wrap] = rows[:until_wrap]
        self._rows[: count - until_wrap] = rows[until_wrap:count]
        self._publish(_WRITTEN, count)
        return count

    def read_into(self, out: NDArray[Any]) -> int:
        """Move the oldest rows into ``out`` (n, columns); returns how many. Reader only.

        Rows of ``out`` beyond the returned count are left as they are.
        """
        count: int = min(out.shape[0], self.queued)
        start = int(self._counts[_TAKEN]) % self._capacity
        until_wrap = min(count, self._capacity - start)
        out[:until_wrap] = self._rows[start : start + until_wrap]
        out[until_wrap:count] = self._rows[: count - until_wrap]
        self._publish(_TAKEN, count)
        return count

    def read(self, most: int) -> NDArray[Item]:
        """Up to ``most`` of the oldest rows as a new array (n, columns). Reader only."""
        out = np.empty((min(most, self.queued), self._rows.shape[1]), self._rows.dtype)
        self.read_into(out)
        return out

    def skip(self, most: int) -> int:
        """Throw up to ``most`` of the oldest rows away; returns how many. Reader only."""
        count = min(most, self.queued)
        self._publish(_TAKEN, count)
        return count
