"""What a profiled run prints at its end: stages, engines, hops, and the delay's causes."""

from __future__ import annotations

from collections.abc import Mapping

from realtime.clock import NS_PER_MS
from realtime.flows import Hop
from realtime.latency import Budget
from realtime.telemetry import Histogram
from realtime.trace import Trace

_WIDTH = 28
_PERCENTILES = "".join(f"{name:>9}" for name in ("p50 ms", "p95 ms", "p99 ms", "max ms"))


def end_tables(stages: str, trace: Trace) -> str:
    """All of them, of what there is; ``stages`` is the table of those, made already."""
    tables = (
        stages,
        engine_table(trace.engines),
        hop_table(trace.flows.hops),
        budget_table(trace.budget),
    )
    return "\n".join(table for table in tables if table)


def engine_table(engines: Mapping[tuple[str, str], Histogram]) -> str:
    """One line per network and engine, how long its steps took, and below it per part of them."""
    if not engines:
        return ""
    lines = [f"{'engine':<{_WIDTH}}{_PERCENTILES}{'steps':>9}"]
    for step, part in sorted(engines, key=lambda one: one[0]):
        name, took = f"  {part}" if part else step, engines[step, part]
        lines.append(f"{name:<{_WIDTH}}{_row(took)}{took.count:>9}")
    return "\n".join(lines)


def hop_table(hops: Mapping[tuple[str, str], Hop]) -> str:
    """One line per hop: until the next stage is at work on the same, and what of it was a wait."""
    if not hops:
        return ""
    head = f"{'hop':<{_WIDTH}}{_PERCENTILES}{'wait p50':>10}{'p95':>9}{'p99':>9}{'max':>9}"
    lines = [
        f"{f'{a} > {b}':<{_WIDTH}}{_row(hop.whole)} {_row(hop.wait)}"
        for (a, b), hop in hops.items()
    ]
    return "\n".join([head, *lines])


def budget_table(budget: Budget) -> str:
    """One line per cause of the delay from capture to ear, and its share of it."""
    if not budget.shares:
        return ""
    lines = [
        f"{'delay':<{_WIDTH}}{_PERCENTILES}{'share':>9}",
        f"{'from capture to ear':<{_WIDTH}}{_row(budget.whole)}{1:>9.0%}",
    ]
    for cause, took in budget.taken.items():
        lines.append(f"  {cause:<{_WIDTH - 2}}{_row(took)}{budget.shares[cause]:>9.0%}")
    return "\n".join(lines)


def _row(took: Histogram) -> str:
    percentiles = [took.percentile_ms(percent) for percent in (50, 95, 99)]
    return "".join(f"{ms:>9.2f}" for ms in (*percentiles, took.max_ns / NS_PER_MS))
