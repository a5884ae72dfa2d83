"""Counters and histograms: how long steps take, how old messages are, what was lost.

A :class:`Meter` belongs to one stage and its thread. Its snapshots are plain numbers by name
(units in the names), which the supervisor collects on a :class:`Board`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.graph import STAGES
from realtime.transport import Traffic

BUCKETS_PER_DECADE = 40  # 6 % wide
DECADES = 8  # 1 us .. 100 s
SPANS_KEPT = 20_000  # between two snapshots of one stage

Span: TypeAlias = tuple[int, int]  # start and stop of a step, ns

EngineSlice: TypeAlias = tuple[str, str, int, int]
"""Network and engine (``vision openvino/int8``); part of the step, or ""; start and stop, ns."""


class Histogram:
    """Durations in logarithmic buckets: constant memory, percentiles to 6 %."""

    def __init__(self) -> None:
        self._counts = [0] * (BUCKETS_PER_DECADE * DECADES + 1)
        self.count = 0
        self.max_ns = 0

    def add(self, duration_ns: int) -> None:
        """One more; below 1 us counts as 1 us."""
        duration_ns = max(duration_ns, 0)
        place = math.log10(max(duration_ns / 1000, 1.0)) * BUCKETS_PER_DECADE
        self._counts[min(int(place), len(self._counts) - 1)] += 1
        self.count += 1
        self.max_ns = max(self.max_ns, duration_ns)

    def percentile_ms(self, percent: float) -> float:
        """The duration that ``percent`` of all do not exceed, ms; 0 when there are none."""
        wanted = math.ceil(self.count * percent / 100)
        seen = 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                upper_ns = 1000 * 10 ** ((place + 1) / BUCKETS_PER_DECADE)
                return min(upper_ns, self.max_ns) / NS_PER_MS
        return 0.0

    def values(self, prefix: str) -> dict[str, float]:
        """``<prefix>p50_ms``, p95, p99 and ``<prefix>max_ms``."""
        return {
            f"{prefix}p50_ms": self.percentile_ms(50),
            f"{prefix}p95_ms": self.percentile_ms(95),
            f"{prefix}p99_ms": self.percentile_ms(99),
            f"{prefix}max_ms": self.max_ns / NS_PER_MS,
        }


class Meter:
    """What one stage does with its time. ``period_ns`` is how long a step may take, 0 = any."""

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self._steps = Histogram()
        self._ages = Histogram()
        self._first_ns: int | None = None
        self._last_ns = 0
        self._late = 0
        self._blocked_ns = 0
        self._spans: list[Span] = []

    def step(self, start_ns: int, stop_ns: int) -> None:
        """A step that did something took [start_ns, stop_ns)."""
        self._steps.add(stop_ns - start_ns)
        if self._period_ns and stop_ns - start_ns > self._period_ns:
            self._late += 1
        if self._first_ns is None:
            self._first_ns = start_ns
        self._last_ns = start_ns
        if len(self._spans) < SPANS_KEPT:
            self._spans.append((start_ns, stop_ns))

    def age(self, age_ns: int) -> None:
        """A message arrived ``age_ns`` after its first sample or picture was taken."""
        self._ages.add(age_ns)

    def blocked(self, duration_ns: int) -> None:
        """Sending took so long (waiting for room included)."""
        self._blocked_ns += duration_ns

    def values(self, ways: Sequence[Traffic]) -> dict[str, float]:
        """Everything so far, as numbers by name."""
        values: dict[str, float] = {"steps": self._steps.count, "late": self._late}
        values |= self._steps.values("")
        if self._ages.count:
            values |= self._ages.values("age_")
        values["rate_hz"] = self._rate_hz()
        values["blocked_ms"] = self._blocked_ns / NS_PER_MS
        for traffic in ways:
            _add_losses(values, traffic)
        return values

    def _rate_hz(self) -> float:
        if self._first_ns is None or self._last_ns == self._first_ns:
            return 0.0
        return (self._steps.count - 1) * NS_PER_S / (self._last_ns - self._first_ns)

    def take_spans(self) -> list[Span]:
        """The steps since the last call."""
        spans, self._spans = self._spans, []
        return spans


def _add_losses(values: dict[str, float], traffic: Traffic) -> None:
    """``dropped_<topic>`` and ``dropped_<topic>_samples``; what only a viewer missed: skipped."""
    for (topic, consumer), count in traffic.dropped.items():
        _add(values, f"{_loss(consumer)}_{topic}", count)
    for (topic, consumer), count in traffic.dropped_samples.items():
        _add(values, f"{_loss(consumer)}_{topic}_samples", count)
    if traffic.refused:
        _add(values, "refused", traffic.refused)


def _loss(consumer: str) -> str:
    return "dropped" if STAGES[consumer].keeps_up else "skipped"


def _add(values: dict[str, float], name: str, count: int) -> None:
    values[name] = values.get(name, 0) + count


class Board:
    """The newest numbers of every stage, in the order in which stages first reported."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, float]] = {}

    def update(self, stage: str, values: Mapping[str, float]) -> None:
        """Replace what is known of ``stage``."""
        self._values[stage] = dict(values)

    @property
    def values(self) -> Mapping[str, Mapping[str, float]]:
        """stage -> name -> number."""
        return self._values

    def total(self, name: str) -> int:
        """The sum over all stages of the counters so named."""
        return round(sum(values.get(name, 0) for values in self._values.values()))

    def get(self, stage: str, name: str) -> float | None:
        """One number, None when it is not known (yet)."""
        return self._values.get(stage, {}).get(name)

    def table(self, stages: Sequence[str]) -> str:
        """One line per stage: rate, step times, ages, losses."""
        head = (
            f"{'stage':<12}{'rate/s':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"
            f"{'late':>6}{'dropped':>9}{'age p50':>9}{'age p99':>9}"
        )
        return "\n".join([head, *(self._row(stage) for stage in stages if stage in self._values)])

    def _row(self, stage: str) -> str:
        values = self._values[stage]
        dropped = sum(
            value
            for name, value in values.items()
            if name.startswith("dropped_") and not name.endswith("_samples")
        )
        ages = "".join(
            f"{values[name]:>9.1f}" if name in values else f"{'-':>9}"
            for name in ("age_p50_ms", "age_p99_ms")
        )
        times = "".join(
            f"{values.get(name, 0.0):>9.2f}" for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")
        )
        return (
            f"{stage:<12}{values.get('rate_hz', 0.0):>8.1f}{times}"
            f"{round(values.get('late', 0)):>6}{round(dropped):>9}{ages}"
        )


def position(board: Board) -> tuple[float, float | None]:
    """How much has been let out by the source that is least far, and how much it has in all; s."""
    found = [
        (values["position_s"], values.get("duration_s"))
        for values in board.values.values()
        if "position_s" in values
    ]
    return min(found, key=lambda one: one[0]) if found else (0.0, None)
