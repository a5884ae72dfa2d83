"""What a stage is: all that happens between two messages, with no socket and no clock inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from realtime.messages import Message
from realtime.telemetry import EngineSlice

Inputs: TypeAlias = Mapping[str, Sequence[Message]]
Outputs: TypeAlias = Sequence[tuple[str, Message]]
State: TypeAlias = Mapping[str, Any]


class Stage(Protocol):
    """One box of the data flow (:mod:`realtime.graph` says what each reads and writes).

    The life of a stage: the constructor only remembers values; ``open`` does what takes long or
    may fail; ``step`` is then called until ``finished``; ``close`` is called once in any case.
    All calls come from one thread.

    The end of a run: a source that has nothing more emits ``End`` on each topic it writes and is
    finished; when the run is to stop earlier, it is just not stepped any more, and its host emits
    the ``End``. A stage that has got ``End`` on all its data inputs flushes, emits ``End`` on
    each data topic it writes and is finished; a sink is finished when it has put everything away.
    A topic that nobody writes in this run is ended from the start: its ``End`` is in the first
    inputs.
    """

    def open(self) -> None:
        """Get ready: load, connect, warm up.

        Raises:
            UsageError, SpecError, EngineError: the user asked for what cannot be (exit code 2).
            DeviceError: a device or a library is missing (exit code 3).
        """

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Take what has arrived, give what follows from it, as (topic, message) in order.

        ``inputs`` has a key for every topic that something arrived on, oldest first; it is empty
        when nothing has arrived for ``TICK_MS`` of :mod:`realtime.runner` (windows and devices live
        on such ticks); nobody waits for what a source reads. A source may block for up to 20 ms,
        nobody else may wait for anything.
        """

    @property
    def finished(self) -> bool:
        """Whether the last ``step`` was the last one needed."""

    def close(self) -> None:
        """Give everything back; also after a failed ``open`` and in the middle of a run."""

    def stats(self) -> Mapping[str, float]:
        """Counters and gauges for the status line, names ending in their unit; may be empty."""


@runtime_checkable
class Watched(Protocol):
    """A stage whose engines are seen in the trace of a profiled run."""

    def engine_slices(self) -> Sequence[EngineSlice]:
        """When they were at work since the last call; none in a run that is not profiled."""


@runtime_checkable
class Resumable(Protocol):
    """A stage that knows what must outlive it: who takes its place goes on with that."""

    def state(self) -> State:
        """All of it: texts, numbers, lists, mappings by text, and arrays; below 256 KB."""

    def resume(self, state: State) -> None:
        """Go on with what another told last; called once, between ``open`` and the first step.

        Raises:
            Exception: of any kind where it cannot be used. The stage then goes on as a new one.
        """


@runtime_checkable
class Unhurried(Protocol):
    """A stage that gives first what is waited for."""

    @property
    def has_more(self) -> bool:
        """Whether a step has something to do although nothing arrives."""
