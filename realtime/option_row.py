"""What a row of the table of options is (:mod:`realtime.command_line`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One option. ``place`` is ``section.field``; a switch has no ``metavar``.

    ``wanted`` is for who gave something else, where the metavar says too little. ``choices`` are
    all that it may be; ``words`` are some of it, which a shell completes.
    """

    place: str
    help: str
    metavar: str | None = None
    wanted: str | None = None
    parse: Callable[[str], object] = str
    choices: tuple[str, ...] | None = None
    words: tuple[str, ...] = ()
