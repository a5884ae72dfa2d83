"""Who wants to know what an engine does while it does it: nobody, unless a run is profiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

During: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Entered around what its name says: a whole step, or within one ``bind``, ``run`` or ``copy``."""

BIND, RUN, COPY = "bind", "run", "copy"  # inputs to where they are read; the work; answers out

_NOTHING = nullcontext()


def unwatched(part: str) -> AbstractContextManager[object]:
    """Nobody does."""
    return _NOTHING
