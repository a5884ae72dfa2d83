"""A call that may take long, or for ever, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
Made_co = TypeVar("Made_co", covariant=True)


class Pending(Protocol[Made_co]):
    """What is being made elsewhere: :class:`Attempt`, or a double."""

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome."""

    def outcome(self) -> Made_co:
        """What was made; only once it is over. Raises what the call raised."""


class Attempt(Generic[T]):
    """Runs ``action`` from now on; who asks for its outcome now and then never waits for it."""

    def __init__(self, action: Callable[[], T], name: str) -> None:
        self._action = action
        self._results: list[T] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._results.append(self._action())
        except Exception as error:  # noqa: BLE001 - handed to whoever asks for the outcome
            self._error = error

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome."""
        return not self._thread.is_alive()

    def outcome(self) -> T:
        """What was made; only once it is over. Raises what the call raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]
