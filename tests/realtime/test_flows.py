"""The way of a message, from the marks of the stages; and in the trace of a real run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.flows import HELD_NS, Flow, Flows, marks
from realtime.messages import SightMap, Streams
from tests.fakes.messages import chunk, frame, one_of_each, scene
from tests.fakes.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
MS = NS_PER_MS


def told() -> Flows:
    """Two chunks in one message of columns, a picture, and one that nobody looked at."""
    flows = Flows()
    flows.add("speaker", [(90 * MS, 91 * MS, "streams", 0, 0)])
    flows.add(
        "separator",
        [(80 * MS, 81 * MS, "streams", 0, 0), (60 * MS, 61 * MS, "sight", 7, 0)],
    )
    flows.add("hearing", [(50 * MS, 51 * MS, "sound", 0, 0)])
    flows.add("sight", [(40 * MS, 41 * MS, "sight", 7, 0)])
    flows.add(
        "demo",
        [(10 * MS, 11 * MS, "audio", 0, 0), (20 * MS, 21 * MS, "audio", 1, 10 * MS)],
    )
    flows.add("demo", [(5 * MS, 6 * MS, "video", 7, 0), (25 * MS, 26 * MS, "video", 8, 0)])
    return flows


def test_a_chunk_is_in_the_last_columns_and_streams_that_begin_before_it() -> None:
    flows = told()
    flows.add("hearing", [(70 * MS, 71 * MS, "sound", 1, 46 * MS)])
    assert flows.complete() == []
    way = (("hearing", 50 * MS), ("separator", 80 * MS), ("speaker", 90 * MS))
    assert flows.rest() == [
        Flow("video-7", (("demo", 5 * MS), ("sight", 40 * MS), ("separator", 60 * MS))),
        Flow("audio-0", (("demo", 10 * MS), *way)),
        Flow("audio-1", (("demo", 20 * MS), *way)),
    ]
    assert flows.rest() == []


def test_hops_are_from_step_to_step() -> None:
    flows = told()
    flows.rest()
    hops = flows.hops
    assert hops["demo", "hearing"].whole.count == 2
    assert hops["demo", "hearing"].whole.max_ns == 40 * MS
    assert hops["demo", "hearing"].wait.max_ns == 39 * MS  # its step took the other one
    assert hops["separator", "speaker"].whole.percentile_ms(50) == pytest.approx(10, rel=0.07)


def test_what_all_have_told_of_is_let_go() -> None:
    flows = Flows()
    given = 0
    for number in range(400):
        at_ns = number * NS_PER_S
        flows.add("demo", [(at_ns, at_ns + MS, "audio", number, at_ns)])
        flows.add("hearing", [(at_ns + MS, at_ns + MS + MS, "sound", number, at_ns)])
        done = flows.complete()
        given += len(done)
        assert all(at_ns - flow.steps[0][1] >= HELD_NS - MS for flow in done)
        held = sum(len(entries) for entries in flows._later.values())
        assert held <= 2 * HELD_NS // NS_PER_S + 2
    assert given == pytest.approx(400 - HELD_NS // NS_PER_S, abs=1)


def test_a_step_marks_what_it_gave_and_what_ends_with_it() -> None:
    given = [("video", frame(sequence=3)), ("audio", chunk()), ("scene", scene())]
    assert [mark[:4] for mark in marks("demo", (5, 6), {}, given)] == [
        (5, 6, "video", 3),
        (5, 6, "audio", chunk().sequence),
    ]
    looked = next(item for item in one_of_each() if isinstance(item, SightMap))
    heard = next(item for item in one_of_each() if isinstance(item, Streams))
    taken = marks("separator", (9, 11), {"sight": [looked]}, [("streams", heard)])
    assert taken == [
        (9, 11, "sight", looked.frame_sequence, looked.capture_ns),
        (9, 11, "streams", heard.sequence, heard.capture_ns),
    ]
    assert marks("hearing", (9, 11), {"audio": [chunk()]}, []) == []


def test_the_trace_of_a_run_has_whole_ways_across_processes(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    path = tmp_path / "trace.json"
    done = subprocess.run(
        [
            *(sys.executable, "run_live.py", "--demo", "--duration", "2", "--pace", "fast"),
            *("--view", "none", "--engine", "onnxruntime", "--model", str(tmp_path / "model")),
            *("--record", str(tmp_path / "out"), "--profile", str(path)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "p95 ms" in done.stderr
    assert "hearing > separator" in done.stderr
    events: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    slices = {
        (item["pid"], item["tid"], item["ts"]): item["name"] for item in events if item["ph"] == "X"
    }
    ways = defaultdict(list)
    for item in events:
        if item["ph"] in {"s", "t", "f"}:
            ways[item["id"]].append(item)
            assert (item["pid"], item["tid"], item["ts"]) in slices
    for way in ways.values():
        assert [item["ph"] for item in way] == ["s", *"t" * (len(way) - 2), "f"]
        assert [item["ts"] for item in way] == sorted(item["ts"] for item in way)
        assert way[-1]["bp"] == "e"
    sounds = {key: way for key, way in ways.items() if key.startswith("audio-")}
    assert len(sounds) > 15  # of 20 chunks of 100 ms
    names = {
        tuple(slices[item["pid"], item["tid"], item["ts"]] for item in way)
        for way in sounds.values()
    }
    assert ("demo", "hearing", "separator", "recorder") in names
    assert max(len({item["pid"] for item in way}) for way in sounds.values()) == 3
    looks = [way for key, way in ways.items() if key.startswith("video-")]
    assert looks
    assert any(len({item["pid"] for item in way}) == 3 for way in looks)
