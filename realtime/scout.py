"""What there is to choose from, looked up elsewhere while the run goes on, when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from realtime.attempt import Attempt, Pending
from realtime.clock import NS_PER_S
from realtime.desk import Part

EVERY_S = 1.0  # at the most, however often it is asked for
KEPT_S = 10.0  # without a question what looks is let go

Listing = Mapping[Part, Sequence[str]]


class Looking(Protocol):
    """What looks, however long that takes: ``listing.Lister``, or a double."""

    def look(self) -> Listing:
        """The names of what there is, by part; a part that cannot be looked up is left out."""

    def close(self) -> None:
        """Let go of what it needs for that; it may be asked again."""


class NoLooking:
    """There is nothing to choose from."""

    def look(self) -> Listing:
        """Nothing."""
        return {}

    def close(self) -> None:
        """There is nothing to let go of."""


class Scout:
    """Asks ``looking`` in a thread that nobody waits for."""

    def __init__(
        self,
        looking: Looking,
        start: Callable[[Callable[[], Listing], str], Pending[Listing]] = Attempt,
    ) -> None:
        self._looking = looking
        self._start = start
        self._is_asked = False  # set by any thread
        self._attempt: Pending[Listing] | None = None
        self._next_ns: int | None = None
        self._until_ns: int | None = None
        self._listed: dict[Part, Sequence[str]] = {}
        self._answers = 0

    @property
    def listed(self) -> Listing:
        """What was found last."""
        return self._listed

    @property
    def answers(self) -> int:
        """How often it was looked up: who has asked sees that the answer has come."""
        return self._answers

    def ask(self) -> None:
        """Somebody wants to know what there is now."""
        self._is_asked = True

    def turn(self, now_ns: int) -> bool:
        """Go on; whether there is a new answer."""
        if self._attempt is not None:
            if not self._attempt.is_over:
                return False
            attempt, self._attempt = self._attempt, None
            self._answers += 1
            self._listed |= attempt.outcome()
            return True
        if self._is_asked and (self._next_ns is None or now_ns >= self._next_ns):
            self._is_asked = False
            self._next_ns = now_ns + round(EVERY_S * NS_PER_S)
            self._until_ns = now_ns + round(KEPT_S * NS_PER_S)
            self._attempt = self._start(self._looking.look, "look for devices")
        elif self._until_ns is not None and now_ns >= self._until_ns:
            self._until_ns = None
            self._looking.close()
        return False

    def close(self) -> None:
        """Ask no more."""
        self._looking.close()
