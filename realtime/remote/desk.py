"""The other host's side of the talk: who asks for what, and whether it can be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from realtime.clock import NS_PER_S, Clock
from realtime.errors import UsageError
from realtime.graph import STAGES
from realtime.remote.letters import (
    PROTOCOL,
    VERSION,
    Bye,
    Hello,
    Letter,
    OtherProtocol,
    Parcel,
    Ping,
    Pong,
    Ready,
    Refused,
    Welcome,
    read,
)
from realtime.remote.line import Slot, Visit
from realtime.remote.session import Make, Session
from realtime.reports import EXIT_DEVICE, EXIT_USAGE
from realtime.wire import WireError

MOST_SESSIONS = 8  # stages at a time; for more there is the engine "remote"
KEPT_S = 60.0  # a stage waits so long for its player to come back after a cut
SILENT_S = 3.0  # of a player that begins anew, what it had before is not waited for
_LEAVE_S = 2.0

Accept = Callable[[Hello], None]


class Desk:
    """Answers visits. Sessions are the only threads; all else is in the caller's hands.

    ``accept`` raises UsageError for what cannot be asked; ``make`` builds a stage; ``tell`` gets
    lines for whoever runs this host.
    """

    def __init__(
        self,
        *,
        stages: Collection[str],
        accept: Accept,
        make: Make,
        slot: Callable[[], Slot],
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        self.malformed = 0  # letters of peers that were none
        self._stages = stages
        self._accept = accept
        self._make = make
        self._slot = slot
        self._clock = clock
        self._tell = tell
        self._sessions: dict[tuple[str, str], Session] = {}  # by peer and session's name

    def answer(self, now_ns: int, visit: Visit) -> Iterator[Letter]:
        """What to say to one visit, at once."""
        try:
            letter = read(visit.parts)
        except OtherProtocol as error:
            self.malformed += 1
            yield self._refused(
                visit,
                f"the player speaks version {error.spoken} of the protocol and this host "
                f"{PROTOCOL} ({VERSION}); install the same version of both",
            )
            return
        except WireError:
            self.malformed += 1
            return
        if isinstance(letter, Hello):
            yield from self._hello(now_ns, visit, letter)
            return
        session = self._of(visit)
        if session is None:
            return  # of a connection that is over; its player will notice the silence
        session.heard_ns = now_ns
        match letter:
            case Ping():
                if letter.offset_ns is not None:
                    session.clock.tell(letter.offset_ns)
                answered_ns = self._clock.now_ns()
                yield Pong(sent_ns=letter.sent_ns, received_ns=now_ns, answered_ns=answered_ns)
            case Parcel():
                session.give(letter)
            case Bye():
                session.leave()
            case _:
                self.malformed += 1

    def _of(self, visit: Visit) -> Session | None:
        for (peer, _), session in self._sessions.items():
            if peer == visit.name and session.caller == visit.caller:
                return session
        return None

    def _hello(self, now_ns: int, visit: Visit, hello: Hello) -> Iterator[Letter]:
        session = self._sessions.get((visit.name, hello.session))
        if session is not None and not session.is_over and session.hello == hello:
            session.caller, session.heard_ns = visit.caller, now_ns
            self._tell(f"{visit.name} is back, its {hello.stage} goes on")
            yield Welcome(version=VERSION)
            if session.is_ready:
                yield Ready()
            return
        try:
            self._check(now_ns, visit, hello)
        except UsageError as error:
            yield self._refused(visit, str(error))
            return
        if len(self._sessions) >= MOST_SESSIONS:
            text = f"{MOST_SESSIONS} stages run here already; end one, or use --engine remote"
            yield self._refused(visit, text, EXIT_DEVICE)
            return
        self._tell(f"{visit.name} asks for {hello.stage}")
        yield Welcome(version=VERSION)
        self._sessions[visit.name, hello.session] = Session(
            hello, visit.caller, self._make, self._slot(), self._clock
        )

    def _check(self, now_ns: int, visit: Visit, hello: Hello) -> None:
        """End what the player has left behind; see that what it asks for can be."""
        if hello.stage not in self._stages or STAGES[hello.stage].kind != "stage":
            raise UsageError(f"it runs {', '.join(sorted(self._stages))}, not {hello.stage!r:.50}")
        self._accept(hello)
        for (peer, _), session in self._sessions.items():
            is_silent = now_ns - session.heard_ns > SILENT_S * NS_PER_S
            if peer == visit.name and session.hello.stage == hello.stage and is_silent:
                session.leave()

    def _refused(self, visit: Visit, text: str, exit_code: int = EXIT_USAGE) -> Refused:
        self._tell(f"{visit.name} is refused: {text}")
        return Refused(text=text, exit_code=exit_code)

    def look_after(self, now_ns: int) -> None:
        """Forget what is over; end what nobody has come back for."""
        for key, session in list(self._sessions.items()):
            if now_ns - session.heard_ns > KEPT_S * NS_PER_S:
                session.leave()
            if session.is_over:
                self.malformed += session.refused
                self._tell(f"{session.hello.stage} of {key[0]} is over")
                del self._sessions[key]

    @property
    def refused(self) -> int:
        """All that was no letter, and no message, so far."""
        return self.malformed + sum(session.refused for session in self._sessions.values())

    def close(self) -> bool:
        """End all; whether all have ended."""
        for session in self._sessions.values():
            session.leave()
        for session in self._sessions.values():
            session.join(_LEAVE_S)
        return all(session.is_over for session in self._sessions.values())
