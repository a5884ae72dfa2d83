"""How much of one topic may be on its way to another host that says what it has taken. Pure.

Without such a bound a slow network would fill its buffers with what is too old when it arrives.
"""

from __future__ import annotations

from collections import deque

from realtime.graph import TOPICS
from realtime.messages import End, Message

NEWEST_MESSAGES = 2  # on their way: one is looked at while one comes; more would only wait
SOUND_S = 1.0


class Window:
    """Messages of one topic, in order; what there is no room for is dropped, the oldest first."""

    def __init__(self, topic: str) -> None:
        entry = TOPICS[topic]
        is_newest = entry.when_full == "newest"
        self._most = NEWEST_MESSAGES if is_newest else max(round(entry.rate_hz * SOUND_S), 1)
        self._room = 1 if is_newest else self._most
        self._keeps = not entry.is_data  # what the user asked for is worth waiting for
        self._on_the_way = 0
        self._waiting: deque[Message] = deque()
        self.dropped = 0

    def offer(self, message: Message) -> None:
        """One more; an end always finds room."""
        if not isinstance(message, End) and len(self._waiting) >= self._room:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(message)

    def due(self) -> list[Message]:
        """What goes now; an end does not wait for what is before it to be taken."""
        going: list[Message] = []
        while self._waiting and (
            self._on_the_way < self._most or isinstance(self._waiting[0], End)
        ):
            going.append(self._waiting.popleft())
            self._on_the_way += 1
        return going

    def taken(self, count: int) -> None:
        """The other host has taken so many more."""
        self._on_the_way = max(self._on_the_way - count, 0)

    def lost(self) -> None:
        """One that was to go did not get away."""
        self.taken(1)
        self.dropped += 1

    def cut(self) -> None:
        """The way there is gone, and all that was on it."""
        self._on_the_way = 0
        if not self._keeps:
            self.dropped += sum(not isinstance(message, End) for message in self._waiting)
            self._waiting.clear()
