"""The player's side of the talk with another host, from the first hello to the last word. Pure.

Whoever has the socket tells it what happens and when, and does what it says.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Literal, TypeAlias

from realtime.clock import NS_PER_MS
from realtime.options import SeparationOptions
from realtime.remote.letters import (
    VERSION,
    Failed,
    Hello,
    Letter,
    Numbers,
    Ping,
    Pong,
    Ready,
    Refused,
    Welcome,
)
from realtime.remote.offset import OffsetEstimator

PING_EVERY_NS = 250 * NS_PER_MS
FIRST_PINGS = 8  # to know the other clock soon
FIRST_PING_EVERY_NS = 30 * NS_PER_MS
SILENCE_NS = 1500 * NS_PER_MS  # two retransmissions of a packet lost twice; then a new connection
REOPEN_NS = 200 * NS_PER_MS
RETRY_NS = 1000 * NS_PER_MS  # after an error there

State: TypeAlias = Literal["calling", "opening", "ready", "refused"]


class Call:
    """One stage's call. ``state`` says how far it is.

    ``failure`` is why it was refused, or ended there: for the user.
    """

    def __init__(
        self,
        *,
        stage: str,
        stream: str,
        model: str,
        separation: SeparationOptions,
        is_traced: bool = False,
    ) -> None:
        self._stage = stage
        self._stream = stream
        self._model = model
        self._separation = separation
        self._is_traced = is_traced
        self._session = secrets.token_hex(16)
        self._heard_ns: int | None = None
        self._reopen_at_ns: int | None = None
        self._pings = 0
        self._ping_at_ns = 0
        self._has_told = False
        self.state: State = "calling"
        self.failure: Refused | Failed | None = None
        self.estimator = OffsetEstimator()
        self.numbers: Mapping[str, float] = {}
        self.cuts = 0

    def opened(self) -> Letter:
        """A connection was begun; what to say first."""
        if self.state in ("ready", "opening"):
            self.cuts += 1
        self.state = "calling"
        self._heard_ns = self._reopen_at_ns = None
        self._has_told = False
        return Hello(
            version=VERSION,
            stage=self._stage,
            stream=self._stream,
            session=self._session,
            model=self._model,
            separation=self._separation,
            is_traced=self._is_traced,
        )

    def hear(self, now_ns: int, letter: Letter) -> None:
        """Something came."""
        self._heard_ns = now_ns
        match letter:
            case Welcome():
                self.state, self._pings, self._ping_at_ns = "opening", 0, now_ns
            case Ready() if self.state == "opening":
                self.state, self.failure = "ready", None
            case Pong():
                self.estimator.feed(letter.sent_ns, letter.received_ns, letter.answered_ns, now_ns)
            case Numbers():
                self.numbers = letter.values
            case Refused() | Failed():
                self._refused(now_ns, letter)
            case _:
                pass

    def _refused(self, now_ns: int, letter: Refused | Failed) -> None:
        if self.state == "ready":
            self.cuts += 1
        self.state, self.failure = "refused", letter
        self._session = secrets.token_hex(16)  # what failed does not go on
        self._reopen_at_ns = now_ns + RETRY_NS

    def progress(self, now_ns: int) -> None:
        """Somebody is there: from now on silence counts. Until then the line tries by itself."""
        self._heard_ns = now_ns

    def drop(self, now_ns: int) -> None:
        """The connection is gone."""
        if self._reopen_at_ns is None:
            self._reopen_at_ns = now_ns + REOPEN_NS

    def refuse(self, now_ns: int, refused: Refused) -> None:
        """There is nobody to talk to: another key, or none that is known."""
        if self.state == "calling":
            self._refused(now_ns, refused)

    def due(self, now_ns: int) -> list[Letter]:
        """What to say now."""
        if self.state not in ("opening", "ready") or now_ns < self._ping_at_ns:
            return []
        self._pings += 1
        is_first = self._pings <= FIRST_PINGS
        self._ping_at_ns = now_ns + (FIRST_PING_EVERY_NS if is_first else PING_EVERY_NS)
        offset_ns = self.estimator.offset_ns(now_ns)
        self._has_told |= offset_ns is not None
        return [Ping(sent_ns=now_ns, offset_ns=offset_ns)]

    def must_reopen(self, now_ns: int) -> bool:
        """Whether to begin a new connection: this one is gone, or says nothing."""
        if self._reopen_at_ns is not None:
            return now_ns >= self._reopen_at_ns
        return self._heard_ns is not None and now_ns - self._heard_ns > SILENCE_NS

    @property
    def is_ready(self) -> bool:
        """Whether the stage takes messages: it is open, and was told the player's time."""
        return self.state == "ready" and self._has_told
