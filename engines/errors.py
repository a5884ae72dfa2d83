"""What engines raise."""

from __future__ import annotations


class EngineError(RuntimeError):
    """A model or an engine cannot be used; the message says why, and what to do."""


class TooFarOffError(EngineError):
    """An engine's numbers are not the reference's, by ``difference`` of its largest value."""

    def __init__(self, message: str, difference: float) -> None:
        super().__init__(message)
        self.difference = difference


def one_line(error: BaseException) -> str:
    """What a library's error says first; its kind where it says nothing."""
    said = str(error).strip()
    return said.splitlines()[0] if said else type(error).__name__
