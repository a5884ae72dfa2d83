"""A host that runs stages for players elsewhere: ``python -m realtime serve``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from errno import EADDRINUSE
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from pixelplayer.spec import ModelSpec
from realtime.checks import MOST_CHARACTERS
from realtime.clock import NS_PER_S, Clock
from realtime.dial import dial_at
from realtime.errors import UsageError
from realtime.graph import MAIN
from realtime.options import MOST_OBJECTS, Options
from realtime.plan import Plan, load_builder
from realtime.remote.desk import Desk
from realtime.remote.keys import read_pair, read_peers
from realtime.remote.letters import Hello, write
from realtime.remote.line import Door
from realtime.remote.placing import fingerprint
from realtime.stage import Stage

BUILDER = "realtime.build:build"
_POLL_MS = 50
_TOLD_EVERY_NS = 5 * NS_PER_S


class Host:
    """Listens from construction on; see :meth:`serve`.

    Args:
        listen: ``tcp://HOST:PORT``; a port of 0 is any.
        keys: the folder of this host's key and of those that it lets in.
        options: what computes here.
        builder: makes a stage from its name, a plan and a clock, as a run's plan has it.

    Raises:
        UsageError: the keys, the model or the address cannot be used.
    """

    def __init__(
        self,
        *,
        listen: str,
        keys: Path,
        stages: Collection[str],
        options: Options,
        clock: Clock,
        tell: Callable[[str], None],
        builder: str = BUILDER,
    ) -> None:
        check_host(listen, keys)
        pair = read_pair(keys)
        self._options = options
        self._builder = load_builder(builder)
        self._builder_name = builder
        self._model = fingerprint(Path(options.model.model))
        self._spec = ModelSpec.load(Path(options.model.model))
        self._clock = clock
        self._tell = tell
        self._told = (0, 0, 0)
        self._tell_at_ns = 0
        self._door = Door((pair.public, pair.private), lambda key: read_peers(keys).get(key, ""))
        self._desk = Desk(
            stages=stages,
            accept=self._accept,
            make=self._make,
            slot=self._door.slot,
            clock=clock,
            tell=tell,
        )
        try:
            self.address = self._door.listen(listen)
        except OSError as error:
            self._door.close()
            remedy = "choose another port" if error.errno == EADDRINUSE else "give one of this host"
            raise UsageError(f"--listen {listen}: {error.strerror}; {remedy}") from None

    def serve(self, left: Event) -> None:
        """Answer until ``left`` is set."""
        while not left.is_set():
            visits, posted = self._door.poll(_POLL_MS)
            now_ns = self._clock.now_ns()
            for visit in visits:
                for letter in self._desk.answer(now_ns, visit):
                    self._door.send(visit.caller, write(letter))
            for caller, *parts in posted:
                self._door.send(caller, parts)
            self._desk.look_after(now_ns)
            self._tell_refusals(now_ns)

    @property
    def refusals(self) -> tuple[int, int, int]:
        """Connections not let in; of these, with an unknown key; letters that were none."""
        found = self._door.refusals
        return found.strangers, found.keys, self._desk.refused

    def _tell_refusals(self, now_ns: int) -> None:
        if self.refusals == self._told or now_ns < self._tell_at_ns:
            return
        self._told, self._tell_at_ns = self.refusals, now_ns + _TOLD_EVERY_NS
        strangers, keys, malformed = self._told
        self._tell(
            f"refused so far: {strangers} connections, {keys} of them with an unknown key; "
            f"{malformed} letters"
        )

    def close(self) -> None:
        """End all stages, and listen no longer; tell who was refused."""
        if self.refusals != (0, 0, 0):
            self._tell_at_ns, self._told = 0, (0, 0, 0)
            self._tell_refusals(self._clock.now_ns())
        if self._desk.close():  # a socket that is still used cannot be taken away
            self._door.close()

    # -- what is asked for ------------------------------------------------------------------------

    def _accept(self, hello: Hello) -> None:
        """See that a stage for this player can be made.

        Raises:
            UsageError: it cannot.
        """
        if hello.model != self._model:
            raise UsageError(
                f"it has another model ({self._spec.name}, {self._model}) than the player "
                f"({hello.model:.40}); copy the player's model folder there, or give --model"
            )
        given = hello.separation
        if given.objects is not None and not 1 <= given.objects <= MOST_OBJECTS:
            raise UsageError(f"objects: wanted 1..{MOST_OBJECTS}")
        if not 0 < len(hello.stream) <= MOST_CHARACTERS:
            raise UsageError("stream: wanted a name")
        dial_at(self._spec, given.lookahead)

    def _make(self, hello: Hello, clock: Clock) -> Stage:
        options = dataclasses.replace(self._options, separation=hello.separation)
        plan = Plan(
            stream=hello.stream,
            processes={hello.stage: MAIN},
            pace="realtime",
            builder=self._builder_name,
            options=options.to_plain(),
            is_traced=hello.is_traced,
        )
        return self._builder(hello.stage, plan, clock)


def check_host(listen: str, keys: Path) -> None:
    """Refuse an address, and keys, that nobody could be served with.

    Raises:
        UsageError: the text says which, and why.
    """
    check_listen(listen)
    read_pair(keys)
    if not read_peers(keys):
        raise UsageError(
            "no player's key is known here; on the player's host run `python -m realtime keys`,"
            " and here the line that it prints"
        )


def check_listen(address: str) -> None:
    """Refuse what is no address of this host.

    Raises:
        UsageError: it is none.
    """
    parts = urlsplit(address)
    try:
        is_one = parts.scheme == "tcp" and bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_one = False
    if not is_one or parts.path or parts.query:
        raise UsageError(f"--listen {address}: wanted tcp://HOST:PORT, such as tcp://0.0.0.0:7000")
