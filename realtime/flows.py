"""Every message's way from capture to ear, out of what each step took and gave. Pure.

A chunk of sound is one flow, a picture that was looked at another. What a chunk became is found by
its instant: of the columns, and of the streams, it is in the last that begin no later than it does.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.graph import STAGES
from realtime.latency import causes_ms
from realtime.messages import Message, SightMap
from realtime.telemetry import Histogram

HELD_NS = 20 * NS_PER_S  # by then every stage has told of its part of a flow

Mark: TypeAlias = tuple[int, str, int, int]
"""Start of the step, ns; topic; the message's sequence (of a map: its picture's); its instant."""

_TAKEN = {"separator": ("sight",), "speaker": ("streams",), "recorder": ("streams",)}
_SHOWN = ("scene", "monitor", "spectra")  # for the eye, and for viewers: no part of a flow
_EARS = ("speaker", "recorder")  # whoever is nearer to an ear stands for it


def marks(
    stage: str,
    start_ns: int,
    inputs: Mapping[str, Sequence[Message]],
    outputs: Sequence[tuple[str, Message]],
) -> list[Mark]:
    """What of a step belongs to flows: what it gave, and what ends with it."""
    kept = [(topic, item) for topic in _TAKEN.get(stage, ()) for item in inputs.get(topic, ())]
    kept += [(topic, item) for topic, item in outputs if topic not in _SHOWN]
    found: list[Mark] = []
    for topic, item in kept:
        instant_ns = getattr(item, "capture_ns", None)
        if instant_ns is not None:
            number = item.frame_sequence if isinstance(item, SightMap) else item.sequence
            found.append((start_ns, topic, number, instant_ns))
    return found


@dataclass(frozen=True, slots=True)
class Flow:
    """One way: an id that no other has, and (stage, start of its step in ns) in order of time."""

    id: str
    steps: tuple[tuple[str, int], ...]


class Flows:
    """Joins the marks of all stages; holds those of the last ``HELD_NS`` alone."""

    def __init__(self) -> None:
        # start, stage, topic, number, instant
        self._begun: list[tuple[int, str, str, int, int]] = []
        self._later: dict[
            tuple[str, str], list[tuple[int, int, int]]
        ] = {}  # instant, number, start
        self._newest_ns = 0
        self._hops: dict[tuple[str, str], Histogram] = {}

    def add(self, stage: str, told: Sequence[Mark]) -> None:
        """What ``stage`` has told."""
        for start_ns, topic, number, instant_ns in told:
            self._newest_ns = max(self._newest_ns, start_ns)
            if STAGES[stage].kind == "source":
                insort(self._begun, (start_ns, stage, topic, number, instant_ns))
            else:
                insort(self._later.setdefault((stage, topic), []), (instant_ns, number, start_ns))

    def complete(self) -> list[Flow]:
        """The flows of which nothing more will be told."""
        return self._taken(self._newest_ns - HELD_NS)

    def rest(self) -> list[Flow]:
        """All others, as far as they have come."""
        return self._taken(self._newest_ns + 1)

    @property
    def hops(self) -> Mapping[tuple[str, str], Histogram]:
        """From the start of a step to that of the next, for each pair of stages."""
        return self._hops

    def _taken(self, until_ns: int) -> list[Flow]:
        count = bisect_right(self._begun, until_ns, key=lambda one: one[0])
        begun, self._begun = self._begun[:count], self._begun[count:]
        flows = [flow for one in begun if (flow := self._flow(*one)) is not None]
        for key, entries in self._later.items():
            # The last that began before is what the next flow may still be in.
            old = sum(start_ns <= until_ns - HELD_NS for _, _, start_ns in entries)
            self._later[key] = entries[max(old - 1, 0) :]
        return flows

    def _flow(
        self, start_ns: int, stage: str, topic: str, number: int, instant_ns: int
    ) -> Flow | None:
        found = [(stage, start_ns)]
        if topic == "video":
            steps = [(name, self._numbered(name, number)) for name in ("sight", "separator")]
        else:
            ear = next((name for name in _EARS if (name, "streams") in self._later), "")
            ways = (("hearing", "sound"), ("separator", "streams"), (ear, "streams"))
            steps = [(name, self._at(name, carried, instant_ns)) for name, carried in ways]
        for name, at_ns in steps:
            if at_ns is None or at_ns < found[-1][1]:
                break
            hop = self._hops.setdefault((found[-1][0], name), Histogram())
            hop.add(at_ns - found[-1][1])
            found.append((name, at_ns))
        return Flow(f"{topic}-{number}", tuple(found)) if len(found) > 1 else None

    def _numbered(self, stage: str, number: int) -> int | None:
        entries = self._later.get((stage, "sight"), [])
        return next((start_ns for _, found, start_ns in entries if found == number), None)

    def _at(self, stage: str, topic: str, instant_ns: int) -> int | None:
        entries = self._later.get((stage, topic), [])
        place = bisect_right(entries, instant_ns, key=lambda one: one[0]) - 1
        return entries[place][2] if place >= 0 else None


def way_table(
    hops: Mapping[tuple[str, str], Histogram], values: Mapping[str, Mapping[str, float]]
) -> str:
    """One line per hop, how long until the next stage is at work on the same; and the whole delay.

    Args:
        hops: as :attr:`Flows.hops`.
        values: the newest numbers of each stage.
    """
    head = f"{'hop':<24}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"
    lines = [head, *(_row(f"{a} > {b}", took) for (a, b), took in hops.items())]
    causes = [f"{cause} {ms:.0f}" for cause, ms in causes_ms(values).items()]
    if causes:
        lines.append(f"from capture to ear, ms: {', '.join(causes)}")
    return "\n".join(lines)


def _row(name: str, took: Histogram) -> str:
    percentiles = [took.percentile_ms(percent) for percent in (50, 95, 99)]
    return f"{name:<24}" + "".join(f"{ms:>9.2f}" for ms in (*percentiles, took.max_ns / NS_PER_MS))
