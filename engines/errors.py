"""What engines raise."""

from __future__ import annotations


class EngineError(RuntimeError):
    """A model or an engine cannot be used; the message says why, and what to do."""


class TooFarOffError(EngineError):
    """An engine's numbers are not the reference's."""
