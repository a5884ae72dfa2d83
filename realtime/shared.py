"""Memory that two processes see, for the rings between a device's callback and its stage."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shared_file() -> int:
    """A new file without a name, empty; it is gone once nobody has it open or mapped."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("live-pixel-player")
    file, path = tempfile.mkstemp()
    Path(path).unlink()
    return file


class SharedArrays:
    """Arrays in a shared file, one after the other.

    Both processes ask for the same arrays in the same order: what one writes the other reads.
    An :data:`~realtime.ring.Allocate`.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._used = 0

    def __call__(self, shape: tuple[int, ...], dtype: type[Any]) -> NDArray[Any]:
        """The next array: 0 where nobody has written yet."""
        length = int(np.prod(shape)) * np.dtype(dtype).itemsize
        pages = -(-length // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        start, self._used = self._used, self._used + pages
        if os.fstat(self._file).st_size < self._used:
            os.ftruncate(self._file, self._used)
        memory = mmap.mmap(self._file, pages, offset=start)
        array: NDArray[Any] = np.frombuffer(memory, dtype, int(np.prod(shape))).reshape(shape)
        return array
