from __future__ import annotations

from pathlib import Path

import pytest

from realtime.graph import edges
from realtime.plan import Plan, load_builder
from realtime.reports import Command, Report, failure
from tests.fakes import stages
from tests.fakes.script import Script
from tests.fakes.stages import plan


def made(placement: str) -> Plan:
    return plan(Script(results="x"), placement=placement).with_addresses(Path("/tmp/p"), "ipc")


def test_a_plan_survives_json() -> None:
    whole = made("processes")
    assert Plan.from_json(whole.to_json()) == whole
    assert "\n" not in whole.to_json()


def test_threads_need_no_addresses() -> None:
    whole = made("threads")
    assert whole.children == ()
    assert whole.addresses == {}
    assert whole.in_process("main") == (
        "demo", "sight", "hearing", "separator", "recorder", "window",
    )  # fmt: skip


def test_only_what_crosses_has_an_address_of_its_own() -> None:
    whole = made("processes")
    assert whole.children == ("sight", "hearing", "separator")
    assert whole.addresses["separator.sight"] == "ipc:///tmp/p/separator.sight"
    assert "recorder.video" not in whole.addresses
    ways = {(way.topic, way.consumer): way.address for way in whole.ways("demo")}
    assert ways["video", "recorder"] == "inproc://recorder.video"
    assert ways["video", "sight"] == "ipc:///tmp/p/sight.video"


@pytest.mark.parametrize("placement", ["threads", "processes"])
def test_consumers_listen_where_producers_send(placement: str) -> None:
    whole = made(placement)
    for edge in edges(whole.stages):
        sent = [way for way in whole.ways(edge.producer) if way.consumer == edge.consumer]
        for way in sent:
            listen = whole.listens(edge.consumer)[way.topic]
            assert way.address in listen.addresses
            assert (way.when_full, way.depth) == (listen.when_full, listen.depth)


def test_builders_are_found_by_name() -> None:
    assert load_builder("tests.fakes.stages:build") is stages.build


def test_reports_and_commands_survive_json() -> None:
    report = Report(kind="numbers", stage="sight", values={"a": 1.5}, spans=[(1, 2)])
    back = Report.from_json(report.to_json())
    assert (back.stage, back.values, [tuple(span) for span in back.spans]) == (
        "sight", {"a": 1.5}, [(1, 2)],
    )  # fmt: skip
    command = Command(order="lost", stage="sight")
    assert Command.from_json(command.to_json()) == command


def test_what_nobody_foresaw_is_a_failure() -> None:
    report = failure("sight", KeyError("x"))
    assert report.exit_code == 1
    assert "sight failed (KeyError: 'x'); run with --doctor" in report.text
