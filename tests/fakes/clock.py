"""A clock that moves only when told to."""

from __future__ import annotations

from realtime.clock import NS_PER_S


class FakeClock:
    """Starts at ``now_ns``; ``sleep_s`` moves it on at once, and so does ``advance_s``."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def sleep_s(self, duration_s: float) -> None:
        self.advance_s(max(duration_s, 0.0))

    def advance_s(self, duration_s: float) -> None:
        self._now_ns += round(duration_s * NS_PER_S)
