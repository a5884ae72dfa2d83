"""Which stages a run has and where they live: everything a process needs, as plain JSON."""

from __future__ import annotations

import dataclasses
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from realtime.clock import Clock
from realtime.graph import (
    LOOKED_AT,
    MAIN,
    STAGES,
    Edge,
    Pace,
    depth,
    edges,
    when_full,
)
from realtime.plain import PlainError, from_line
from realtime.stage import Stage
from realtime.transport import Listen, Scheme, Way, between_processes, local_address

SUPERVISOR = "supervisor"

Builder: TypeAlias = Callable[[str, "Plan", Clock], Stage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run.

    ``processes`` places every stage, ``builder`` (``package.module:function``) makes a stage from
    its name and this plan, ``options`` is for the builder alone. With ``looks_hz`` no more pictures
    than that are sent to who looks at no more. ``addresses`` has one address per
    ``consumer.topic`` that is written from another process; ``folder`` holds its sockets.
    """

    stream: str
    processes: Mapping[str, str]
    pace: Pace
    builder: str
    options: Mapping[str, Any]
    duration_s: float | None = None
    looks_hz: float | None = None
    is_traced: bool = False
    folder: str | None = None
    addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def stages(self) -> tuple[str, ...]:
        """All stages of the run, in the order of the graph's table."""
        return tuple(name for name in STAGES if name in self.processes)

    def in_process(self, process: str) -> tuple[str, ...]:
        """The stages that live in ``process``, the supervisor left aside."""
        return tuple(
            name
            for name in self.stages
            if self.processes[name] == process and STAGES[name].kind != SUPERVISOR
        )

    @property
    def children(self) -> tuple[str, ...]:
        """The processes besides the main one, in the order of their stages."""
        processes = dict.fromkeys(self.processes[name] for name in self.stages)
        return tuple(process for process in processes if process != MAIN)

    def with_addresses(self, folder: Path, scheme: Scheme | None = None) -> Plan:
        """The same run with its sockets between processes laid out in ``folder``."""
        scheme = scheme or between_processes()
        crossing = {
            f"{edge.consumer}.{edge.topic}": local_address(
                scheme, folder, edge.topic, edge.consumer
            )
            for edge in edges(self.stages)
            if self._crosses(edge)
        }
        return dataclasses.replace(self, folder=str(folder), addresses=crossing)

    def _crosses(self, edge: Edge) -> bool:
        return self.processes[edge.producer] != self.processes[edge.consumer]

    def address(self, edge: Edge) -> str:
        """Where the edge's consumer listens for this producer."""
        if self._crosses(edge):
            return self.addresses[f"{edge.consumer}.{edge.topic}"]
        return f"inproc://{edge.consumer}.{edge.topic}"

    def ways(self, producer: str) -> tuple[Way, ...]:
        """All edges out of ``producer``."""
        return tuple(
            Way(
                topic=edge.topic,
                consumer=edge.consumer,
                address=self.address(edge),
                when_full=when_full(edge.topic, edge.consumer, self.pace),
                depth=depth(edge.topic, self.pace),
                looks_hz=self.looks_hz if (edge.topic, edge.consumer) in LOOKED_AT else None,
            )
            for edge in edges(self.stages)
            if edge.producer == producer
        )

    def listens(self, consumer: str) -> dict[str, Listen]:
        """What ``consumer`` binds, by topic."""
        found: dict[str, set[str]] = {}
        for edge in edges(self.stages):
            if edge.consumer == consumer:
                found.setdefault(edge.topic, set()).add(self.address(edge))
        return {
            topic: Listen(
                addresses=tuple(sorted(addresses)),
                when_full=when_full(topic, consumer, self.pace),
                depth=depth(topic, self.pace),
            )
            for topic, addresses in found.items()
        }

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Plan:
        """What :meth:`to_json` gave; it comes from our own parent process.

        Raises:
            PlainError: it is something else, or names a stage that there is not.
        """
        plan = from_line(cls, line)
        unknown = sorted(plan.processes.keys() - STAGES.keys())
        if unknown:
            raise PlainError(f"Plan.processes: there is no stage {unknown[0]!r}")
        if plan.duration_s is not None and plan.duration_s <= 0:
            raise PlainError("Plan.duration_s: wanted more than 0")
        for edge in edges(plan.stages):
            if plan._crosses(edge) and f"{edge.consumer}.{edge.topic}" not in plan.addresses:
                raise PlainError(f"Plan.addresses: {edge.consumer}.{edge.topic} has none")
        return plan


def load_builder(name: str) -> Builder:
    """The function that ``package.module:function`` names."""
    module, _, function = name.partition(":")
    builder: Builder = getattr(importlib.import_module(module), function)
    return builder
