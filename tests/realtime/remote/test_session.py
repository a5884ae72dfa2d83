"""The player's clock on another host, and what a stage there is given."""

from __future__ import annotations

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.remote.session import PlayersClock, _newest
from tests.fakes.clock import FakeClock
from tests.fakes.messages import chunk, end, frame


def test_a_stage_there_has_the_players_time() -> None:
    here = FakeClock(100 * NS_PER_S)
    clock = PlayersClock(here)
    assert not clock.is_told
    clock.tell(97 * NS_PER_S)
    assert clock.is_told
    assert clock.now_ns() == 3 * NS_PER_S
    here.advance_s(0.5)
    assert clock.now_ns() == 3_500 * NS_PER_MS


def test_a_difference_that_is_corrected_never_turns_time_back() -> None:
    here = FakeClock(100 * NS_PER_S)
    clock = PlayersClock(here)
    clock.tell(97 * NS_PER_S)
    seen = []
    for step in range(40):
        here.advance_s(0.001)
        clock.tell(97 * NS_PER_S + (20 * NS_PER_MS if step >= 20 else 0))
        seen.append(clock.now_ns())
    assert seen == sorted(seen)
    here.advance_s(0.1)
    assert clock.now_ns() == here.now_ns() - 97 * NS_PER_S - 20 * NS_PER_MS


def test_a_player_that_began_to_count_anew_is_followed() -> None:
    here = FakeClock(100 * NS_PER_S)
    clock = PlayersClock(here)
    clock.tell(0)
    assert clock.now_ns() == 100 * NS_PER_S
    clock.tell(99 * NS_PER_S)
    assert clock.now_ns() == NS_PER_S


def test_of_pictures_that_came_together_the_newest_is_given_and_the_end() -> None:
    pictures = [frame(0), frame(1), end("video", 2)]
    assert [message.sequence for message in _newest("video", pictures)] == [1, 2]
    sounds = [chunk(0), chunk(1), end("audio", 2)]
    assert _newest("audio", list(sounds)) == sounds
