"""What a viewer wants to be told, said again and again for as long as it does. Pure."""

from __future__ import annotations

from collections.abc import Collection

from realtime.clock import NS_PER_S
from realtime.wishes import Show, Wish

SAID_AGAIN_NS = NS_PER_S


class Wishes:
    """Makes one viewer's requests; see :class:`realtime.wishes.Show`."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._said: tuple[Wish, ...] = ()
        self._said_ns = 0
        self._count = 0

    def due(self, now_ns: int, wanted: Collection[Wish]) -> list[Show]:
        """What is to be said now: something new at once, the same every second, else nothing."""
        what = tuple(sorted(wanted))
        is_known = what == self._said and now_ns < self._said_ns + SAID_AGAIN_NS
        self._said = what
        if is_known or not what:
            return []
        self._said_ns = now_ns
        self._count += 1
        return [Show(stream=self._stream, sequence=self._count - 1, what=what)]
