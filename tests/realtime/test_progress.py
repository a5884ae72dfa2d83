from __future__ import annotations

import io
from pathlib import Path

import pytest

from realtime.progress import Progress, clock_time, line_for
from realtime.screen import Screen, end_lines, status_line
from realtime.summary import Summary
from realtime.telemetry import Board, position
from tests.fakes.script import Script
from tests.fakes.stages import plan


def board(position_s: float, duration_s: float | None = None) -> Board:
    made = Board()
    made.update("sight", {"rate_hz": 9.0})
    known = {} if duration_s is None else {"duration_s": duration_s}
    made.update("media", {"position_s": position_s, **known})
    return made


def test_a_file_whose_length_is_known() -> None:
    line = Progress(None, 8)(5.0, board(30.0, 120.0), Summary())
    assert line == "[##------]  25% | 0:30 of 2:00 | 6.0 x real time | 0:15 left"
    assert Progress(None, 0)(5.0, board(30.0, 120.0), Summary()).startswith(" 25% | 0:30")


def test_a_file_whose_length_is_unknown_has_a_position_alone() -> None:
    line = Progress(None, 8)(5.0, board(30.0), Summary())
    assert line == "0:30 | 6.0 x real time"
    assert Progress(None, 8)(1.0, Board(), Summary()) == "0:00"


def test_the_duration_that_was_asked_for_ends_it_earlier() -> None:
    assert "100% | 0:10 of 0:10" in Progress(10.0, 0)(5.0, board(10.2, 120.0), Summary())
    assert " 50% | 0:05 of 0:10" in Progress(10.0, 0)(5.0, board(5.0), Summary())
    assert "0:30 of 1:00" in Progress(90.0, 0)(5.0, board(30.0, 60.0), Summary())


def test_of_two_files_the_one_that_is_behind_counts() -> None:
    made = board(30.0, 120.0)
    made.update("track", {"position_s": 20.0, "duration_s": 100.0})
    assert position(made) == (20.0, 100.0)


@pytest.mark.parametrize(("given", "told"), [(7, "0:07"), (200, "3:20"), (3725, "1:02:05")])
def test_times_are_as_clocks_show_them(given: float, told: str) -> None:
    assert clock_time(given) == told


def test_only_who_does_not_listen_waits_for_an_end(tmp_path: Path) -> None:
    script = Script(results=str(tmp_path))
    live = line_for(plan(script, placement="threads", pace="realtime"), 8)
    assert live is status_line
    assert isinstance(line_for(plan(script, placement="threads", pace="fast"), 8), Progress)


def test_every_run_of_a_screen_begins_its_own_time() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for _ in range(2):
        screen.begin(Progress(None, 0))
        for second in range(12):
            screen.status(float(second), board(30.0, 120.0), Summary())
    assert out.getvalue().count(" 25% | ") == 4


def test_the_end_tells_the_speed_where_nobody_listened() -> None:
    assert end_lines(5.0, board(30.0), Summary())[0] == "ran 5.0 s, 6.0 x real time"
    heard = board(30.0)
    heard.update("speaker", {"latency_p50_ms": 240.0})
    assert "real time" not in end_lines(5.0, heard, Summary())[0]
