"""Children that run before it is planned what they shall do.

To plan takes a tenth of a second on one core, to load what a stage needs as long on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from realtime.children import Child
from realtime.graph import MAIN, STAGES, Placement


@contextmanager
def early_children(place: Placement) -> Iterator[Mapping[str, Child]]:
    """The children of a run placed like that, by their processes.

    Those that no run has let begin are gone after the block.
    """
    stages = [name for name, entry in STAGES.items() if entry.process != MAIN]
    children: dict[str, Child] = {}
    try:
        for name in stages if place == "processes" else ():
            modules = "realtime.build", f"realtime.stages.{name}"
            children[STAGES[name].process] = Child(STAGES[name].process, modules)
        yield children
    finally:
        for child in children.values():
            child.dismiss()
