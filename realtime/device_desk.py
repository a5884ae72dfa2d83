"""What the stage of a device is asked by the desk, and tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from realtime.desk import Choice, Part
from realtime.device_life import DeviceLife
from realtime.device_search import Way
from realtime.stage import Inputs, Outputs
from realtime.telling import Telling


class Closing(Protocol):
    """What looks for one device, and can be told to stop."""

    def close(self) -> None:
        """Look for it no more."""


Finder = TypeVar("Finder", bound=Closing)


class DeviceDesk(Generic[Finder]):
    """Has a device exchanged where that is asked for, and tells which one is used.

    Args:
        part: what the device is.
        stream: of the messages that are told.
        other: what finds the device of a name; None: there is no choice.
    """

    def __init__(self, part: Part, stream: str, other: Callable[[str], Finder] | None) -> None:
        self._part = part
        self._stream = stream
        self._other = other
        self._telling = Telling()
        self._resumed: str | None = None

    @staticmethod
    def state(life: DeviceLife[Any] | None) -> str | None:
        """The device that was chosen; None while it is the one of the start."""
        return life.name if life is not None and life.exchanges else None

    def resume(self, name: str | None) -> None:
        """Choose what another has left."""
        self._resumed = name

    def obey(
        self,
        now_ns: int,
        inputs: Inputs,
        life: DeviceLife[Any],
        opened: Callable[[Finder], Any],
    ) -> None:
        """Exchange the device for the one that was asked for last; ``opened`` opens it."""
        if self._other is None:
            return
        names = [
            one.name
            for one in inputs.get("control", ())
            if isinstance(one, Choice) and one.part == self._part
        ]
        if self._resumed is not None:
            names.insert(0, self._resumed)
            self._resumed = None
        if not names or (names[-1] == life.name and life.device is not None):
            return
        finder = self._other(names[-1])
        life.exchange(now_ns, names[-1], Way(lambda: opened(finder), finder.close))

    def told(self, now_ns: int, life: DeviceLife[Any]) -> Outputs:
        """Which one it is, when that is due."""
        present = self._telling.present(now_ns, self._stream, self._part, life.name, life.remark)
        return () if present is None else [("desk", present)]
