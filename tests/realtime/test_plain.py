"""What another process wrote is what it is declared to be, or refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pytest

from realtime.plain import LONGEST_LINE, PlainError, from_line, from_plain
from realtime.plan import Plan
from realtime.reports import Report


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]


@dataclass(frozen=True)
class Outer:
    text: str
    count: int
    level: float
    flag: bool
    maybe: int | None
    inner: Inner
    values: Mapping[str, float]
    spans: Sequence[tuple[int, int]]
    rest: Any


WHOLE = Outer("t", 1, 0.5, True, None, Inner("b"), {"x": 1.0}, ((1, 2), (3, 4)), [{"y": None}])


def test_there_and_back() -> None:
    back = from_line(Outer, json.dumps(asdict(WHOLE)))
    assert back == WHOLE
    assert from_plain(Outer, asdict(WHOLE) | {"level": 2, "spans": []}).level == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 1),
        ("count", 1.0),
        ("count", True),
        ("count", 2**63),
        ("level", math.nan),
        ("level", math.inf),
        ("level", 10**400),
        ("level", "1"),
        ("flag", 1),
        ("maybe", "x"),
        ("inner", {"kind": "c"}),
        ("inner", {"kind": ["a"]}),
        ("inner", {}),
        ("values", []),
        ("values", {"x": None}),
        ("spans", [[1, 2, 3]]),
        ("spans", 5),
    ],
)
def test_what_a_field_does_not_hold_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(PlainError, match=rf"Outer\.{field}"):
        from_plain(Outer, asdict(WHOLE) | {field: value})


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "5", "{}", "[" * 100_000, " " * (LONGEST_LINE + 1), '{"text": "t"}'],
)
def test_what_is_no_such_thing_is_refused(line: str) -> None:
    with pytest.raises(PlainError, match="Outer"):
        from_line(Outer, line)


def test_a_report_with_more_than_its_fields_is_refused() -> None:
    values = asdict(Report(kind="ready", stage="sight"))
    assert Report.from_json(json.dumps(values)).stage == "sight"
    with pytest.raises(PlainError):
        Report.from_json(json.dumps(values | {"more": 1}))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"processes": {"nobody": "main"}}, "no stage 'nobody'"),
        ({"processes": {"sight": "a", "demo": "main", "separator": "main"}}, "has none"),
        ({"duration_s": 0.0}, "more than 0"),
        ({"pace": "slow"}, "Plan.pace"),
        ({"addresses": {"sight.video": 5}}, "Plan.addresses"),
    ],
)
def test_a_plan_that_cannot_be_run_is_refused(change: dict[str, Any], text: str) -> None:
    plan = Plan(stream="s", processes={"demo": "main"}, pace="fast", builder="a:b", options={})
    assert Plan.from_json(plan.to_json()) == plan
    with pytest.raises(PlainError, match=text):
        Plan.from_json(json.dumps(asdict(plan) | change))
