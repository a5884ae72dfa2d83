"""``--chaos``: stages fail at random, or as planned, to see and to show what is made of it. Pure.

A seed gives the same faults at the same times in every run with the same stages.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from realtime.errors import UsageError
from realtime.graph import MAIN, STAGES
from realtime.plan import Plan

FaultKind: TypeAlias = Literal["kill", "stop", "raise"]
WANTED = (
    "a number, or a list such as 'kill hearing 10, stop sight 20.5': "
    f"{', '.join(get_args(FaultKind))}; "
    f"{', '.join(stage for stage in STAGES if STAGES[stage].is_replaced)}; and at which second"
)
SHORTEST_S, LONGEST_S = 4.0, 12.0  # between two faults, and before the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``kill``: SIGKILL to its process; ``stop``: SIGSTOP; ``raise``: an exception in its step."""

    at_s: float  # of the run
    kind: FaultKind
    stage: str


def check(text: str) -> None:
    """Whether it is a seed or a list of faults, ``kill hearing 10, stop sight 20.5``.

    Raises:
        ValueError: it is neither.
    """
    if not text.isdecimal():
        _listed(text)


class Chaos:
    """What is to happen, and when.

    Args:
        text: a seed, or a list of faults; see :func:`check`.
        stages: of the run.
        apart: those of them that have a process of their own: the others are only made to raise.

    Raises:
        UsageError: a fault cannot be had in this run.
    """

    def __init__(self, text: str, stages: Collection[str], apart: Collection[str]) -> None:
        able = [stage for stage in STAGES if stage in stages and STAGES[stage].is_replaced]
        if text.isdecimal():
            self._faults = _random(int(text), able, apart)
        else:
            listed = sorted(_listed(text), key=lambda fault: fault.at_s)
            for fault in listed:
                if fault.stage not in able or (fault.kind != "raise" and fault.stage not in apart):
                    others = ", ".join(apart if fault.kind != "raise" else able)
                    raise UsageError(
                        f"--chaos: {fault.kind} {fault.stage} is not possible here; "
                        f"there are {others or 'none that can be'}"
                    )
            self._faults = iter(listed)
        self._next = next(self._faults, None)

    def due(self, now_s: float) -> list[Fault]:
        """Those whose time has come since the last call."""
        due = []
        while self._next is not None and self._next.at_s <= now_s:
            due.append(self._next)
            self._next = next(self._faults, None)
        return due


def chaos_of(text: str | None, plan: Plan) -> Chaos | None:
    """The chaos that was asked for in a run, if any; see :class:`Chaos`."""
    if text is None:
        return None
    apart = [stage for stage in plan.stages if plan.processes[stage] != MAIN]
    return Chaos(text, plan.stages, apart)


def _random(seed: int, able: Sequence[str], apart: Collection[str]) -> Iterator[Fault]:
    chance, at_s = random.Random(seed), 0.0
    kinds: tuple[FaultKind, ...] = get_args(FaultKind)
    faults = [
        (kind, stage) for stage in able for kind in kinds if kind == "raise" or stage in apart
    ]
    while faults:
        at_s += chance.uniform(SHORTEST_S, LONGEST_S)
        kind, stage = chance.choice(faults)
        yield Fault(at_s=at_s, kind=kind, stage=stage)


def _listed(text: str) -> list[Fault]:
    faults = []
    for part in text.split(","):
        kind, stage, at = part.split()
        if kind not in get_args(FaultKind) or stage not in STAGES or not 0 <= float(at) < 1e9:
            raise ValueError(part)
        faults.append(Fault(at_s=float(at), kind=kind, stage=stage))  # type: ignore[arg-type]
    return faults
