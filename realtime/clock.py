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


def time_stamp() -> str:
    """Date and time of day where the machine is, in the order of a list: 2026-11-27-084515."""
    return time.strftime("%Y-%m-%d-%H%M%S")


def unbroken_ns() -> int:
    """As a clock's ``now_ns``, from another instant; it goes on while the machine sleeps."""
    # Linux's monotonic clock stands still meanwhile; elsewhere it is the other way round.
    number = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(number)
