"""The thread that talks to another host for one stage: it has the socket and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread
from types import MappingProxyType
from typing import TypeAlias

from realtime.clock import Clock
from realtime.remote.call import Call, State
from realtime.remote.keys import KeyPair
from realtime.remote.letters import (
    PROTOCOL,
    Bye,
    Failed,
    Finished,
    Letter,
    OtherProtocol,
    Parcel,
    Refused,
    Taken,
    Worked,
    read,
    write,
)
from realtime.remote.line import Line, News, Parts
from realtime.reports import EXIT_USAGE
from realtime.wire import WireError

_POLL_MS = 10
_LAST_WORD_MS = 100
_MOST_ARRIVED = 1000  # letters that the stage has not looked at

Arrival: TypeAlias = Parcel | Taken | Worked | Finished
"""What is for the stage; all else is between the two hosts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """The host to call: its name, its address, and the public key that it must have."""

    host: str
    address: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the call stands, as the stage's thread sees it."""

    state: State = "calling"
    is_ready: bool = False
    failure: Refused | Failed | None = None
    cuts: int = 0
    refused: int = 0  # letters that were none, or too many
    round_trip_ms: float | None = None
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class Caller:
    """Keeps the call going from construction to :meth:`close`."""

    def __init__(self, call: Call, there: There, own: KeyPair, clock: Clock) -> None:
        self.standing = Standing()
        self._call = call
        self._host = there.host
        self._own = own
        self._clock = clock
        self._arrived: SimpleQueue[Arrival] = SimpleQueue()
        self._refused = 0
        self._unlike = 0  # attempts, one after the other
        self._leave = Event()
        self._line = Line(there.address, (own.public, own.private), there.key)
        self._slot = self._line.slot()
        self._thread = Thread(target=self._talk, name=f"call {there.host}", daemon=True)
        self._thread.start()

    def send(self, letter: Letter) -> bool:
        """Hand a letter over; what is not sent while the call is up is lost."""
        return self._slot.put(write(letter))

    def arrived(self) -> list[Arrival]:
        """What has come since the last call of this."""
        found: list[Arrival] = []
        while True:
            try:
                found.append(self._arrived.get_nowait())
            except Empty:
                return found

    def close(self) -> None:
        """Say goodbye and hang up."""
        self._slot.close()
        self._leave.set()
        self._thread.join()

    # -- the thread -------------------------------------------------------------------------------

    def _talk(self) -> None:
        line, call = self._line, self._call
        try:
            line.send(write(call.opened()))
            while not self._leave.is_set():
                self._turn(line, call)
            if line.send(write(Bye())):
                line.poll(_LAST_WORD_MS)
        finally:
            line.close()

    def _turn(self, line: Line, call: Call) -> None:
        now_ns = self._clock.now_ns()
        if call.must_reopen(now_ns):
            line.reopen()
            line.send(write(call.opened()))
        for letter in call.due(now_ns):
            line.send(write(letter))
        heard = line.poll(_POLL_MS)
        now_ns = self._clock.now_ns()  # as near as can be to the arrival of a pong
        for parts in heard.letters:
            self._hear(call, now_ns, parts)
        for news in heard.news:
            self._learn(call, now_ns, news)
        for posted in heard.posted if call.is_ready else ():
            line.send(posted)
        trip_ns = call.estimator.round_trip_ns
        self.standing = Standing(
            state=call.state,
            is_ready=call.is_ready,
            failure=call.failure,
            cuts=call.cuts,
            refused=self._refused,
            round_trip_ms=None if trip_ns is None else trip_ns / 1e6,
            numbers=call.numbers,
        )

    def _hear(self, call: Call, now_ns: int, parts: Parts) -> None:
        try:
            letter = read(parts)
        except OtherProtocol as error:
            self._refuse(call, now_ns, _other_version(error.spoken))
            return
        except WireError:
            self._refused += 1
            return
        call.hear(now_ns, letter)
        if isinstance(letter, Arrival):
            if self._arrived.qsize() < _MOST_ARRIVED:
                self._arrived.put(letter)
            else:
                self._refused += 1

    def _learn(self, call: Call, now_ns: int, news: News) -> None:
        if news in ("connected", "up"):
            call.progress(now_ns)
            self._unlike = 0 if news == "up" else self._unlike
        elif news == "dropped":
            call.drop(now_ns)
        elif news == "refused":
            key = self._own.public.hex()
            remedy = f"there, run: python -m realtime keys --trust NAME={key}"
            self._refuse(call, now_ns, f"it does not know this player's key; {remedy}")
        else:
            self._unlike += 1  # once may be a connection that broke as it was made
        if news == "unlike" and self._unlike > 1:
            self._refuse(
                call,
                now_ns,
                f"it has another key than peers/{self._host}.key, knows none of this player's, or "
                "is no pixel player; run `python -m realtime keys` on both and compare",
            )

    def _refuse(self, call: Call, now_ns: int, text: str) -> None:
        call.refuse(now_ns, Refused(text=text, exit_code=EXIT_USAGE))


def _other_version(spoken: int) -> str:
    return (
        f"it speaks version {spoken} of the protocol and this player {PROTOCOL}; "
        "install the same version of both"
    )
