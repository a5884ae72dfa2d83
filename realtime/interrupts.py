"""Signals that ask for the end of a run."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Counts what asks for the end; the loop acts on it."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Nothing else happens on such a signal while the block lasts; from the main thread."""
        names = [name for name in _NAMES if hasattr(signal, name)]
        former = {name: signal.signal(getattr(signal, name), self._count) for name in names}
        try:
            yield
        finally:
            for name, handler in former.items():
                signal.signal(getattr(signal, name), handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
