"""Children that run before it is planned what they shall do.

To plan takes a tenth of a second on one core, to load what a stage needs as long on another. What
all of them need is loaded once where they can be forks of this process.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from realtime.children import Child
from realtime.graph import MAIN, SOUND, STAGES, Pace, Placement
from realtime.host import main
from realtime.processes import Forked, Process, may_fork, spawned

_OF_ALL = "realtime.build"
_PACKAGES = {"source": "realtime.sources", "stage": "realtime.stages", "sink": "realtime.sinks"}


@contextmanager
def early_children(place: Placement, pace: Pace) -> Iterator[Mapping[str, Child]]:
    """The children of a run placed like that, by their processes.

    Those that no run has let begin are gone after the block. Nobody listens to what goes ``fast``.
    """
    modules: dict[str, list[str]] = {}
    for name, entry in STAGES.items():
        if entry.process != MAIN and not (entry.process == SOUND and pace == "fast"):
            loads = modules.setdefault(entry.process, [_OF_ALL])
            loads.append(f"{_PACKAGES[entry.kind]}.{name}")
    children: dict[str, Child] = {}
    try:
        for process, loads in modules.items() if place == "processes" else ():
            children[process] = Child(process, _begun(loads))
        yield children
    finally:
        for child in children.values():
            child.dismiss()


def _begun(loads: Sequence[str]) -> Process:
    if not may_fork():
        return spawned("realtime.host", loads)
    importlib.import_module(_OF_ALL)
    return Forked(partial(main, loads))
