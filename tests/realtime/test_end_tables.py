"""What a profiled run prints at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from realtime.clock import NS_PER_MS as MS
from realtime.end_tables import end_tables
from realtime.trace import Trace

STAGES = {
    "hearing": {"lookahead_ms": 93.0, "algorithm_ms": 139.0},
    "speaker": {"latency_ms": 275.0, "queued_ms": 30.0, "device_ms": 40.0},
}


def cells(table: str, name: str) -> list[str]:
    """What a row has behind its name."""
    (row,) = (line for line in table.splitlines() if line.strip().startswith(name))
    return row.strip().removeprefix(name).split()


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    with closing(Trace(tmp_path / "trace.json", 0)) as trace:
        yield trace


def test_nothing_is_printed_of_a_run_without_steps(trace: Trace) -> None:
    assert end_tables("stage", trace) == "stage"


def test_engines_have_their_steps_and_parts(trace: Trace) -> None:
    for took in (3 * MS, 5 * MS):
        told = [("vision a/int8", "", 0, took), ("vision a/int8", "run", 0, took - MS)]
        trace.add_engines("sight", "sight", told)
    table = end_tables("", trace)
    assert cells(table, "engine") == ["p50", "ms", "p95", "ms", "p99", "ms", "max", "ms", "steps"]
    p50, _, p99, longest, steps = cells(table, "vision a/int8")
    assert (float(p50), p99, longest, steps) == (pytest.approx(3, rel=0.07), "5.00", "5.00", "2")
    assert cells(table, "run")[3:] == ["4.00", "2"]


def test_a_hop_is_work_and_a_wait(trace: Trace) -> None:
    trace.add("main", "demo", [(10 * MS, 14 * MS)])
    trace.add("hearing", "hearing", [(50 * MS, 51 * MS)])
    trace.follow("hearing", [(50 * MS, 51 * MS, "sound", 0, 0)])
    trace.follow("demo", [(10 * MS, 14 * MS, "audio", 0, 0)])
    trace.flows.rest()
    row = cells(end_tables("", trace), "demo > hearing")
    assert row == 4 * ["40.00"] + 4 * ["36.00"]


def test_the_delay_is_divided_among_its_causes(trace: Trace) -> None:
    trace.budget.add({"hearing": STAGES["hearing"]})  # not all is known yet
    trace.budget.add(STAGES)
    trace.budget.add({**STAGES, "speaker": {**STAGES["speaker"], "latency_ms": 375.0}})
    table = end_tables("", trace)
    assert cells(table, "from capture to ear")[3:] == ["375.00", "100%"]
    assert cells(table, "ahead")[3:] == ["93.00", "29%"]
    assert cells(table, "transform")[3:] == ["46.00", "14%"]
    assert cells(table, "computing")[3:] == ["166.00", "36%"]
    assert cells(table, "queue")[3:] == ["30.00", "9%"]
    assert cells(table, "device")[3:] == ["40.00", "12%"]
    assert sum(trace.budget.shares.values()) == pytest.approx(1)
