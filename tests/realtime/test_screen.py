from __future__ import annotations

import dataclasses
import io

from realtime.screen import Screen, end_lines, status_line
from realtime.summary import Summary
from realtime.telemetry import Board
from tests.fakes.messages import scene, scene_object


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def board() -> Board:
    made = Board()
    made.update("speaker", {"latency_ms": 241.6, "latency_p50_ms": 240.0})
    made.update("sight", {"rate_hz": 14.96, "dropped_video": 3})
    made.update("demo", {"dropped_audio_samples": 480})
    return made


def summary() -> Summary:
    made = Summary()
    made.follow(scene())
    return made


def test_status_has_objects_latency_rates_and_losses() -> None:
    line = status_line(12.0, board(), summary())
    assert "objects: 1 (0.30, 0.40) -20 dB, 2 (0.30, 0.40) -20 dB" in line
    assert "latency 242 ms" in line
    assert "sight 15.0/s" in line
    assert "3 pictures skipped, 480 samples lost" in line
    assert "objects: none" in status_line(1.0, Board(), Summary())


def test_a_terminals_line_is_rewritten_every_second() -> None:
    out = Terminal()
    screen = Screen(out)
    for tenth in range(31):
        screen.status(tenth / 10, Board(), Summary())
    assert out.getvalue().count("\r") == 3
    screen.error("no\nsuch thing")
    assert out.getvalue().endswith("\nerror: no such thing\n")


def test_a_file_gets_a_line_every_five_seconds() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for second in range(12):
        screen.status(float(second), Board(), Summary())
    assert len(out.getvalue().splitlines()) == 2
    assert "\r" not in out.getvalue()


def test_places_are_weighted_by_power() -> None:
    made = Summary()
    loud = dataclasses.replace(scene_object(), centroid=(0.2, 0.5), level_db=-20.0)
    silent = dataclasses.replace(scene_object(), centroid=(0.9, 0.9), level_db=float("-inf"))
    made.follow(dataclasses.replace(scene(), objects=(loud,)))
    made.follow(dataclasses.replace(scene(), objects=(silent,)))
    assert made.lines() == ["object 1: at (0.20, 0.50), -23.0 dB"]


def test_the_end_tells_the_run() -> None:
    lines = end_lines(8.0, board(), summary())
    assert lines[0] == "ran 8.0 s, latency 240 ms, 3 pictures skipped, 480 samples lost"
    assert len(lines) == 3
    stalled = board()
    stalled.update("speaker", {"latency_p50_ms": 240.0, "gaps": 2.0})
    assert end_lines(8.0, stalled, summary())[0].endswith("480 samples lost, 2 gaps at the speaker")
    assert end_lines(1.0, Board(), Summary())[1] == "no object was heard"


def test_a_stage_on_another_host_that_is_away_is_named() -> None:
    made = board()
    made.update("sight", {"away_s": 0.0})
    assert "away" not in status_line(12.0, made, summary())
    made.update("sight", {"away_s": 3.2})
    assert "sight away for 3 s" in status_line(12.0, made, summary())
