from __future__ import annotations

import pytest

from realtime.graph import (
    LOOKED_AT,
    MAIN,
    SOUND,
    STAGES,
    TOPICS,
    depth,
    edges,
    unwritten,
    when_full,
)
from realtime.messages import VideoFrame

DEMO = ("demo", "sight", "hearing", "separator", "speaker", "recorder", "window", "supervisor")


def test_tables_agree() -> None:
    for stage in STAGES.values():
        assert {*stage.reads, *stage.writes} <= TOPICS.keys()
        reads_data = any(TOPICS[topic].is_data for topic in stage.reads)
        assert (stage.kind == "source") == (not reads_data)
    for topic in TOPICS:
        assert any(topic in stage.writes for stage in STAGES.values())
        assert any(topic in stage.reads for stage in STAGES.values())


def test_sound_and_who_computes_have_processes_of_their_own() -> None:
    for name, stage in STAGES.items():
        if name in ("microphone", "speaker"):
            assert stage.process == SOUND
        else:
            assert (stage.process == MAIN) == (stage.kind != "stage")


def test_data_never_flows_in_a_circle() -> None:
    data = [edge for edge in edges(STAGES) if TOPICS[edge.topic].is_data]
    order = list(STAGES)
    assert all(order.index(edge.producer) < order.index(edge.consumer) for edge in data)


def test_edges_of_a_run() -> None:
    found = {(edge.topic, edge.producer, edge.consumer) for edge in edges(DEMO)}
    assert ("video", "demo", "sight") in found
    assert ("control", "window", "separator") in found
    assert ("control", "window", "supervisor") in found
    assert ("stats", "supervisor", "window") in found
    assert not any("camera" in edge for edge in found)


def test_fast_loses_no_data_but_at_viewers() -> None:
    for edge in edges(DEMO):
        if TOPICS[edge.topic].is_data:
            rule = when_full(edge.topic, edge.consumer, "fast")
            assert (rule == "wait") == STAGES[edge.consumer].keeps_up


def test_viewers_make_nobody_wait_for_data() -> None:
    for name, stage in STAGES.items():
        for topic in stage.reads:
            if not stage.keeps_up and TOPICS[topic].is_data:
                assert when_full(topic, name, "realtime") != "wait"


def test_sound_is_never_lost_silently() -> None:
    for topic, stage in (("audio", "hearing"), ("streams", "speaker"), ("streams", "recorder")):
        assert when_full(topic, stage, "realtime") == "gap"
    assert when_full("sound", "separator", "realtime") == "wait"
    assert when_full("video", "recorder", "realtime") == "drop"
    assert when_full("video", "sight", "realtime") == "newest"


def test_ten_seconds_of_sound_fit() -> None:
    for topic in ("audio", "sound", "streams"):
        assert TOPICS[topic].depth == pytest.approx(10 * TOPICS[topic].rate_hz)
        assert depth(topic, "fast") <= 16


def test_what_nobody_writes_is_known() -> None:
    assert unwritten("sight", ("track", "sight")) == ("video",)
    assert unwritten("separator", DEMO) == ()
    assert unwritten("window", ("camera", "window")) == ("scene",)


def test_what_is_looked_at_now_and_then_is_pictures() -> None:
    for topic, consumer in LOOKED_AT:
        assert topic in STAGES[consumer].reads
        assert VideoFrame in TOPICS[topic].messages
        assert STAGES[consumer].kind == "stage"  # a sink shows or records them all
