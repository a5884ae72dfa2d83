"""What viewers make of what the desk tells, and of keys and clicks on it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from realtime.clock import NS_PER_S
from realtime.desk import Part, Present, Recording, as_line
from realtime.messages import MessageError
from realtime.picture import text_width
from realtime.scout import EVERY_S, KEPT_S, Scout
from realtime.sinks.console import Console
from realtime.sinks.marks import clock_text, wrapped
from realtime.sinks.next_device import NextDevice
from realtime.telling import Telling
from tests.fakes.attempts import AtOnce


def present(part: Part, name: str, number: int = 0, said: str = "") -> Present:
    return Present(
        stream="s", sequence=0, part=part, name=name, said=said, number=number, is_refusal=False
    )


def recording(*, is_on: bool, began_ns: int = 0) -> Recording:
    return Recording(
        stream="s", sequence=0, is_on=is_on, began_ns=began_ns, said="", number=0, is_refusal=False
    )


class Found:
    """What a look finds, and how often somebody looked."""

    def __init__(self, *names: str) -> None:
        self.names: Sequence[str] = names
        self.looks = 0
        self.closes = 0

    def look(self) -> dict[Part, Sequence[str]]:
        self.looks += 1
        return {"speaker": self.names}

    def close(self) -> None:
        self.closes += 1


def test_offered_is_what_there_is_what_is_used_and_what_was_used_at_first() -> None:
    console = Console()
    assert console.offered("speaker") == []
    console.take(present("speaker", "first"))
    console.listed = {"speaker": ["built in", "second"], "camera": ["webcam"]}
    console.take(present("speaker", "second"))
    assert console.offered("speaker") == ["built in", "second", "first"]
    assert console.offered("camera") == []  # this run has none
    plain = json.loads(json.dumps(console.plain(0)))
    assert plain["recording"] is None
    assert [one["part"] for one in plain["parts"]] == ["speaker"]
    assert plain["parts"][0]["name"] == "second"


def test_a_recording_is_told_with_its_time() -> None:
    console = Console()
    console.take(recording(is_on=True, began_ns=5 * NS_PER_S))
    assert console.plain(9 * NS_PER_S)["recording"]["elapsed_s"] == 4
    assert console.plain(4 * NS_PER_S)["recording"]["elapsed_s"] == 0
    console.take(recording(is_on=False))
    assert console.plain(9 * NS_PER_S)["recording"]["elapsed_s"] is None


def test_nobody_looks_before_it_is_asked_for_nor_more_often_than_once_a_second() -> None:
    found = Found("one")
    scout = Scout(found, AtOnce)
    for number in range(100):
        assert not scout.turn(number * NS_PER_S // 100)
    assert found.looks == 0
    news = 0
    for number in range(500):  # 5 s
        scout.ask()
        news += scout.turn((100 + number) * NS_PER_S // 100)
    assert found.looks == news == pytest.approx(5 / EVERY_S, abs=1)
    assert scout.listed == {"speaker": ("one",)}
    assert found.closes == 0
    for second in range(round(KEPT_S) + 2):
        scout.turn((10 + second) * NS_PER_S)
    assert found.closes == 1


def test_a_list_that_cannot_be_had_stays_as_it_was() -> None:
    class Silent(Found):
        def look(self) -> dict[Part, Sequence[str]]:
            return super().look() if not self.looks else {"camera": []}

    scout = Scout(Silent("one"), AtOnce)
    for second in (0, 10):
        scout.ask()
        scout.turn(second * NS_PER_S)
        scout.turn(second * NS_PER_S + 1)
    assert scout.listed == {"speaker": ("one",), "camera": []}


def test_a_key_takes_the_next_of_the_list_and_goes_round() -> None:
    console, found = Console(), Found("a", "b", "c")
    console.take(present("speaker", "b"))
    following = NextDevice("s", console, Scout(found, AtOnce))
    now_ns, chosen = 0, []
    for key in "lLml":  # there is no microphone in this run
        following.key(ord(key))
        for _ in range(3):
            now_ns += NS_PER_S
            chosen += [(one.part, one.name) for one in following.turn(now_ns)]
    assert chosen == [("speaker", "c"), ("speaker", "a"), ("speaker", "b")]


def test_it_is_told_at_each_change_and_once_a_second() -> None:
    telling = Telling()
    states = ["a", "a", "b", "b", "b", "b"]
    times_ms = [0, 500, 600, 1500, 1600, 2700]
    told = [
        telling.is_due(at * NS_PER_S // 1000, state)
        for at, state in zip(times_ms, states, strict=True)
    ]
    assert told == [True, False, True, False, True, True]
    assert telling.sequence == 3


def test_what_a_device_is_called_can_be_told() -> None:
    assert as_line("two\nlines\x00 \u202e") == "two lines "
    assert len(as_line("x" * 10_000)) == 1024
    with pytest.raises(MessageError, match="wanted a line"):
        present("speaker", "two\nlines")
    with pytest.raises(MessageError, match=r"Present\.part"):
        present("window", "a")  # type: ignore[arg-type]


def test_time_and_paths_fit_into_the_picture() -> None:
    assert [clock_text(s) for s in (0, 9.9, 65, 3605)] == ["0:00", "0:09", "1:05", "1:00:05"]
    text = "recorded 12.3 s in /home/ada/" + "very_long_name" * 20 + "/take"
    lines = wrapped(text, 300, 17)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 17) <= 300 for line in lines)
