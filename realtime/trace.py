"""All stages' steps, and messages' ways through them, in a file that Perfetto opens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from realtime.flows import Flow, Flows, Mark
from realtime.latency import Budget
from realtime.telemetry import EngineSlice, Histogram, Span


class Trace:
    """Chrome's trace event format, written as the steps come: a long run takes no more memory.

    Times are in us since ``origin_ns``.
    """

    def __init__(self, path: Path, origin_ns: int) -> None:
        """Begin the file.

        Raises:
            OSError: it cannot be written.
        """
        self._out = path.open("w", encoding="utf-8")
        self._origin_ns = origin_ns
        self._processes: dict[str, int] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        self._places: dict[str, tuple[int, int]] = {}  # of a stage: process and track
        self._separator = "\n"
        self.flows = Flows()
        self.budget = Budget()
        self.engines: dict[tuple[str, str], Histogram] = {}  # how long steps and parts took
        self._out.write('{"displayTimeUnit": "ms", "traceEvents": [')

    def add(self, process: str, stage: str, spans: Sequence[Span]) -> None:
        """Steps of ``stage`` in ``process``.

        Raises:
            OSError: the disk is full.
        """
        for span in spans:
            self._slice(stage, "step", span, process, stage)

    def add_engines(self, process: str, stage: str, slices: Sequence[EngineSlice]) -> None:
        """When the engines of ``stage`` were at work, each step before its parts.

        They have a track of their own: a thread's steps beside what its engine did in them.

        Raises:
            OSError: as ``add``.
        """
        for engine, part, start_ns, stop_ns in slices:
            self.engines.setdefault((engine, part), Histogram()).add(stop_ns - start_ns)
            self._slice(part or engine, "engine", (start_ns, stop_ns), process, f"{stage} engine")

    def follow(self, stage: str, told: Sequence[Mark]) -> None:
        """What of messages the steps of ``stage`` took and gave, once the steps were added.

        Raises:
            OSError: as ``add``.
        """
        self.flows.add(stage, told)
        for flow in self.flows.complete():
            self._flow(flow)

    def close(self) -> None:
        """Complete the file.

        Raises:
            OSError: as ``add``.
        """
        with self._out:
            for flow in self.flows.rest():
                self._flow(flow)
            self._out.write("\n]}\n")

    def _slice(self, name: str, kind: str, span: Span, process: str, track: str) -> None:
        start_ns, stop_ns = span
        self._write(
            {
                "ph": "X",
                "name": name,
                "cat": kind,
                "ts": (start_ns - self._origin_ns) / 1000,
                "dur": (stop_ns - start_ns) / 1000,
                "pid": self._pid(process),
                "tid": self._tid(process, track),
            }
        )

    def _flow(self, flow: Flow) -> None:
        """Events that belong to the slices that begin at their times."""
        last = len(flow.steps) - 1
        for number, (stage, start_ns) in enumerate(flow.steps):
            kind = "s" if number == 0 else "f" if number == last else "t"
            process, track = self._places[stage]
            event: dict[str, object] = {
                "ph": kind,
                "id": flow.id,
                "name": flow.id.partition("-")[0],
                "cat": "flow",
                "ts": (start_ns - self._origin_ns) / 1000,
                "pid": process,
                "tid": track,
            }
            self._write(event | ({"bp": "e"} if kind == "f" else {}))

    def _pid(self, process: str) -> int:
        if process not in self._processes:
            self._processes[process] = len(self._processes) + 1
            self._name("process_name", process, {"pid": self._processes[process]})
        return self._processes[process]

    def _tid(self, process: str, stage: str) -> int:
        track = (process, stage)
        if track not in self._tracks:
            self._tracks[track] = len(self._tracks) + 1
            self._places[stage] = (self._pid(process), self._tracks[track])
            place = {"pid": self._pid(process), "tid": self._tracks[track]}
            self._name("thread_name", stage, place)
        return self._tracks[track]

    def _name(self, kind: str, name: str, place: dict[str, int]) -> None:
        self._write({"ph": "M", "name": kind, **place, "args": {"name": name}})

    def _write(self, event: dict[str, object]) -> None:
        self._out.write(self._separator + json.dumps(event))
        self._separator = ",\n"
