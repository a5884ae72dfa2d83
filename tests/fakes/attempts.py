"""Attempts whose outcome the test decides on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class AtOnce(Generic[T]):
    """Runs the call as soon as it is made: over when it is asked for."""

    def __init__(self, action: Callable[[], T], _name: str) -> None:
        self._error: Exception | None = None
        try:
            self._results = [action()]
        except Exception as error:  # noqa: BLE001 - raised where it is asked for
            self._error = error

    @property
    def is_over(self) -> bool:
        return True

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._results[0]
