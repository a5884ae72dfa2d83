"""What somebody wants just now of what is made for viewers alone."""

from __future__ import annotations

from realtime.clock import NS_PER_S
from realtime.wishes import WISH_S, Show, Wish


class Wanted:
    """Takes wishes, and lets them lapse."""

    def __init__(self) -> None:
        self._now_ns = 0
        self._until_ns: dict[Wish, int] = {}

    def turn(self, now_ns: int) -> None:
        """It is now so late: wishes grow old."""
        self._now_ns = now_ns

    def wish(self, show: Show) -> None:
        """Somebody wants these, from now on for a while."""
        for kind in show.what:
            self._until_ns[kind] = self._now_ns + round(WISH_S * NS_PER_S)

    def has(self, kind: Wish) -> bool:
        """Whether anybody wants it now."""
        return self._now_ns < self._until_ns.get(kind, 0)
