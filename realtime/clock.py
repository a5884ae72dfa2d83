"""Time, as the live system sees it; nothing else in ``realtime`` reads a clock or sleeps."""

from __future__ import annotations

import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """A monotonic clock that all processes of one machine share."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary instant; never goes back."""

    def sleep_s(self, duration_s: float) -> None:
        """Wait; returns at once for a duration <= 0."""


class SystemClock:
    """The operating system's monotonic clock."""

    def now_ns(self) -> int:
        """Nanoseconds since an arbitrary instant that is the same in every process."""
        return time.monotonic_ns()

    def sleep_s(self, duration_s: float) -> None:
        """Wait; returns at once for a duration <= 0."""
        if duration_s > 0:
            time.sleep(duration_s)
