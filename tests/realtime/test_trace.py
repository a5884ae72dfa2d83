import json
from contextlib import closing
from pathlib import Path
from typing import Any

from realtime.trace import Trace


def events(path: Path) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["traceEvents"]
    return read


def test_it_is_what_perfetto_reads(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with closing(Trace(path, 5_000)) as trace:
        trace.add("main", "demo", [(5_000, 9_000)])
        trace.add("sight", "sight", [(6_000, 8_000)])
        trace.add("main", "demo", [(9_000, 9_500)])
    steps = [item for item in events(path) if item["ph"] == "X"]
    assert [(item["name"], item["ts"], item["dur"]) for item in steps] == [
        ("demo", 0, 4),
        ("sight", 1, 2),
        ("demo", 4, 0.5),
    ]
    named = [item for item in events(path) if item["name"] == "process_name"]
    assert {item["pid"]: item["args"]["name"] for item in named} == {
        steps[0]["pid"]: "main",
        steps[1]["pid"]: "sight",
    }
    tracks = [item for item in events(path) if item["name"] == "thread_name"]
    assert len(tracks) == len({item["tid"] for item in tracks}) == 2


def test_an_empty_trace_is_a_trace(tmp_path: Path) -> None:
    Trace(tmp_path / "trace.json", 0).close()
    assert events(tmp_path / "trace.json") == []


def test_steps_are_in_the_file_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with closing(Trace(path, 0)) as trace:
        trace.add("main", "demo", [(at, at + 1) for at in range(20_000)])
        assert path.stat().st_size > 1_000_000
