"""How a device is opened elsewhere, and one that turns out not to be wanted is closed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from realtime.attempt import Pending
from realtime.errors import DeviceError


class Living(Protocol):
    """An open device that can be watched."""

    @property
    def name(self) -> str:
        """What it is called in the list of devices."""

    @property
    def active(self) -> bool:
        """False once it has gone and says so."""

    @property
    def beats(self) -> int:
        """Grows for as long as it is at work."""

    @property
    def patience_s(self) -> float:
        """Without a beat for so long it is taken for gone."""

    def trouble(self) -> str | None:
        """What a new stream would mend, in words that follow its name; None while all is well."""

    def close(self) -> object:
        """Give it back; at once, even where the device answers to nothing."""


Device = TypeVar("Device", bound=Living)


def _nothing() -> None:
    """There is nothing to end."""


@dataclass(frozen=True, slots=True)
class Way(Generic[Device]):
    """How a device is opened, however long that takes, and what ends the looking for it."""

    connect: Callable[[], Device]
    close: Callable[[], None] = _nothing


class Search(Generic[Device]):
    """One attempt to open a device, which may turn out not to be wanted any more."""

    def __init__(
        self,
        connect: Callable[[], Device],
        start: Callable[[Callable[[], Device], str], Pending[Device]],
        name: str,
    ) -> None:
        self._connect = connect
        self._is_wanted = True
        self._attempt = start(self._run, name)

    def _run(self) -> Device:
        device = self._connect()
        if not self._is_wanted:
            device.close()
        return device

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome."""
        return self._attempt.is_over

    def outcome(self) -> Device:
        """The open device, once it is over; raises DeviceError."""
        return self._attempt.outcome()

    def drop(self) -> None:
        """Nobody wants it: it is closed, now or as soon as it is open."""
        self._is_wanted = False
        if self.is_over:
            try:
                self.outcome().close()
            except DeviceError:
                return
