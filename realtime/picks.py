"""Which pictures are looked at: their times alone decide."""

from __future__ import annotations

from realtime.clock import NS_PER_MS, NS_PER_S


class Picks:
    """Of the pictures captured in one period of ``1 / rate_hz``, the first."""

    def __init__(self, rate_hz: float) -> None:
        self._millihertz = round(rate_hz * 1000)
        self._period: int | None = None

    def picks(self, capture_ns: int) -> bool:
        """Whether this picture is the first of its period."""
        # Capture times are rounded: a picture up to 1 ms before its period belongs to it.
        period = (capture_ns + NS_PER_MS) * self._millihertz // (1000 * NS_PER_S)
        is_first = period != self._period
        self._period = period
        return is_first
