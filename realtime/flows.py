"""Every message's way from capture to ear, out of what each step took and gave. Pure.

A chunk of sound is one flow, a picture that was looked at another. What a chunk became is found by
its instant: of the columns, and of the streams, it is in the last that begin no later than it does.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from realtime.clock import NS_PER_S
from realtime.graph import STAGES
from realtime.messages import Message, SightMap
from realtime.telemetry import Histogram, Span

HELD_NS = 20 * NS_PER_S  # by then every stage has told of its part of a flow

Mark: TypeAlias = tuple[int, int, str, int, int]
"""Start and stop of the step, ns; topic; the message's sequence (of a map: its picture's); its
instant."""

_TAKEN = {"separator": ("sight",), "speaker": ("streams",), "recorder": ("streams",)}
_SHOWN = ("scene", "monitor", "spectra")  # for the eye, and for viewers: no part of a flow
_EARS = ("speaker", "recorder")  # whoever is nearer to an ear stands for it


def marks(
    stage: str,
    span: Span,
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
            found.append((*span, topic, number, instant_ns))
    return found


@dataclass(frozen=True, slots=True)
class Flow:
    """One way: an id that no other has, and (stage, start of its step in ns) in order of time."""

    id: str
    steps: tuple[tuple[str, int], ...]


class Hop:
    """From the start of a step to that of the next on the same, and the message's wait within."""

    def __init__(self) -> None:
        self.whole = Histogram()
        self.wait = Histogram()  # from the end of the one step to the start of the other

    def add(self, before: Span, start_ns: int) -> None:
        """One more message has gone on, from the step ``before`` to one from ``start_ns``."""
        self.whole.add(start_ns - before[0])
        self.wait.add(start_ns - before[1])


class Flows:
    """Joins the marks of all stages; holds those of the last ``HELD_NS`` alone."""

    def __init__(self) -> None:
        # span, stage, topic, number, instant
        self._begun: list[tuple[Span, str, str, int, int]] = []
        # by stage and topic: instant, number, span
        self._later: dict[tuple[str, str], list[tuple[int, int, Span]]] = {}
        self._newest_ns = 0
        self._hops: dict[tuple[str, str], Hop] = {}

    def add(self, stage: str, told: Sequence[Mark]) -> None:
        """What ``stage`` has told."""
        for start_ns, stop_ns, topic, number, instant_ns in told:
            span = (start_ns, stop_ns)
            self._newest_ns = max(self._newest_ns, start_ns)
            if STAGES[stage].kind == "source":
                insort(self._begun, (span, stage, topic, number, instant_ns))
            else:
                insort(self._later.setdefault((stage, topic), []), (instant_ns, number, span))

    def complete(self) -> list[Flow]:
        """The flows of which nothing more will be told."""
        return self._taken(self._newest_ns - HELD_NS)

    def rest(self) -> list[Flow]:
        """All others, as far as they have come."""
        return self._taken(self._newest_ns + 1)

    @property
    def hops(self) -> Mapping[tuple[str, str], Hop]:
        """For each pair of stages, what followed each other on one way."""
        return self._hops

    def _taken(self, until_ns: int) -> list[Flow]:
        count = bisect_right(self._begun, until_ns, key=lambda one: one[0][0])
        begun, self._begun = self._begun[:count], self._begun[count:]
        flows = [flow for one in begun if (flow := self._flow(*one)) is not None]
        for key, entries in self._later.items():
            # The last that began before is what the next flow may still be in.
            old = sum(start_ns <= until_ns - HELD_NS for _, _, (start_ns, _) in entries)
            self._later[key] = entries[max(old - 1, 0) :]
        return flows

    def _flow(
        self, span: Span, stage: str, topic: str, number: int, instant_ns: int
    ) -> Flow | None:
        found = [(stage, span)]
        if topic == "video":
            steps = [(name, self._numbered(name, number)) for name in ("sight", "separator")]
        else:
            ear = next((name for name in _EARS if (name, "streams") in self._later), "")
            ways = (("hearing", "sound"), ("separator", "streams"), (ear, "streams"))
            steps = [(name, self._at(name, carried, instant_ns)) for name, carried in ways]
        for name, step in steps:
            before, earlier = found[-1]
            if step is None or step[0] < earlier[0]:
                break
            self._hops.setdefault((before, name), Hop()).add(earlier, step[0])
            found.append((name, step))
        way = tuple((name, start_ns) for name, (start_ns, _) in found)
        return Flow(f"{topic}-{number}", way) if len(way) > 1 else None

    def _numbered(self, stage: str, number: int) -> Span | None:
        entries = self._later.get((stage, "sight"), [])
        return next((step for _, found, step in entries if found == number), None)

    def _at(self, stage: str, topic: str, instant_ns: int) -> Span | None:
        entries = self._later.get((stage, topic), [])
        place = bisect_right(entries, instant_ns, key=lambda one: one[0]) - 1
        return entries[place][2] if place >= 0 else None
