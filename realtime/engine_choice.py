"""The engines of one stage, and others in their place while it runs."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Protocol

from engines.errors import EngineError
from engines.exchangeable import Exchangeable
from engines.protocol import Engine
from realtime.attempt import Attempt, Pending
from realtime.clock import NS_PER_S
from realtime.telling import Remark

REST_S = 1.0  # between two exchanges

Open = Callable[[str], Engine]
"""Opens a network in the engine of a name, backend/precision; raises EngineError."""


class Better(Protocol):
    """What finds out which engine is the best here: ``measuring.Measuring``, or a double."""

    def due(self, now_ns: int) -> str | None:
        """Its name, once, when it is known. Never waits."""

    def close(self) -> None:
        """Find out no more."""


class EngineChoice:
    """Opens what a stage needs in the engine that is chosen; exchanges all of it together.

    The stage goes on with what it has while others are opened, in a thread of their own.
    """

    def __init__(
        self,
        what: str,
        name: str,
        start: Callable[[Callable[[], list[Engine]], str], Pending[list[Engine]]] = Attempt,
        better: Better | None = None,
    ) -> None:
        """``what`` it does, for the user; ``name`` is the engine at first.

        ``better`` finds out which would be the best, where ``name`` is a guess.
        """
        self.name = name
        self.remark = Remark()
        self._what = what
        self._start = start
        self._better = better
        self._lock = Lock()  # engines are opened by several threads
        self._opened: list[tuple[Open, _Watched]] = []
        self._wanted: str | None = None
        self._opening: list[tuple[Open, _Watched]] = []
        self._attempt: Pending[list[Engine]] | None = None
        self._rest_until_ns: int | None = None

    def open(self, opens: Open) -> Engine:
        """What ``opens`` gives in the chosen engine, to be exchanged with all others.

        Raises:
            EngineError: it cannot be opened.
        """
        made = _Watched(opens(self.name))
        with self._lock:
            self._opened = [*self._living(), (opens, made)]
        return made

    def _living(self) -> list[tuple[Open, _Watched]]:
        return [pair for pair in self._opened if not pair[1].is_over]

    def choose(self, now_ns: int, name: str) -> None:
        """Open all that is open in another engine, and exchange it once that is done."""
        if name == self.name and self._attempt is None:
            return
        is_resting = self._rest_until_ns is not None and now_ns < self._rest_until_ns
        if self._attempt is not None or is_resting:
            reason = "it was exchanged just now"
            if self._attempt is not None:
                reason = f"{self._wanted} is still being opened"
            self._refuse(f"{name} was not opened: {reason}; ask again in a moment")
            return
        self._wanted = name
        self._begin()

    def _begin(self) -> None:
        with self._lock:
            self._opening = self._living()
        name, opening = self._wanted or self.name, self._opening

        def run() -> list[Engine]:
            made: list[Engine] = []
            try:
                for opens, _ in opening:
                    made.append(opens(name))  # one by one: what is open is closed after a failure
            except BaseException:
                for engine in made:
                    engine.close()
                raise
            return made

        self._attempt = self._start(run, "open engine")

    def turn(self, now_ns: int) -> None:
        """See what came of it; never waits."""
        if self._better is not None and self._attempt is None:
            name = self._better.due(now_ns)
            if name is not None and self._wanted is None:  # else the user has chosen
                self.choose(now_ns, name)
        if self._attempt is None or not self._attempt.is_over:
            return
        attempt, self._attempt = self._attempt, None
        name = self._wanted or self.name
        self._rest_until_ns = now_ns + round(REST_S * NS_PER_S)
        try:
            made = attempt.outcome()
        except EngineError as error:
            self._refuse(f"{name} cannot be had: {error}; {self.name} goes on")
            return
        with self._lock:
            is_all = [pair[1] for pair in self._living()] == [pair[1] for pair in self._opening]
            if is_all:
                self.name = name
        if not is_all:  # others were opened meanwhile: a picture of another shape came
            for engine in made:
                engine.close()
            self._begin()
            return
        for (_, watched), engine in zip(self._opening, made, strict=True):
            watched.exchange(engine)
        self.remark = self.remark.after(f"{name} {self._what} now", is_refusal=False)

    def _refuse(self, text: str) -> None:
        self.remark = self.remark.after(text, is_refusal=True)

    def close(self) -> None:
        """What is being opened is closed if it is open; else with its process."""
        if self._better is not None:
            self._better.close()
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.is_over:
            try:
                made = attempt.outcome()
            except EngineError:
                return
            for engine in made:
                engine.close()


class _Watched(Exchangeable):
    """Known to be closed."""

    is_over = False

    def close(self) -> None:
        self.is_over = True
        super().close()
