"""Where a run stands, as the stages of one process see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event

from realtime.transport import Stopped


class ChaosError(Exception):
    """``--chaos`` wanted the stage to fail."""


@dataclass(slots=True)
class Run:
    """Where the run stands; shared by the threads of one process, set by its host."""

    go: Event = field(default_factory=Event)
    stop: Event = field(default_factory=Event)
    abort: Event = field(default_factory=Event)
    release: Event = field(default_factory=Event)
    deaf: set[str] = field(default_factory=set)  # take nothing more
    lost: set[str] = field(default_factory=set)  # died without an End
    faults: set[str] = field(default_factory=set)  # stages that are to fail
    states: dict[str, str] = field(default_factory=dict)  # what those before these have left

    def still(self, consumer: str) -> bool:
        """Whether it makes sense to wait for ``consumer``.

        Raises:
            Stopped: the run is over.
        """
        if self.abort.is_set():
            raise Stopped
        return consumer not in self.deaf
