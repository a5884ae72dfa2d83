"""The player's side of the talk, on a simulated clock and without a socket."""

from __future__ import annotations

import dataclasses

import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.options import SeparationOptions
from realtime.remote.call import REOPEN_NS, RETRY_NS, SILENCE_NS, Call
from realtime.remote.letters import Failed, Hello, Ping, Pong, Ready, Refused, Welcome

THERE_NS = 7 * NS_PER_S  # the other clock is ahead


def call() -> Call:
    return Call(stage="sight", stream="live", model="m", separation=SeparationOptions())


def answered(one: Call, now_ns: int) -> list[Ping]:
    """Say what is due; every ping is answered at once."""
    pings = [letter for letter in one.due(now_ns) if isinstance(letter, Ping)]
    for ping in pings:
        pong = Pong(
            sent_ns=ping.sent_ns,
            received_ns=now_ns + THERE_NS,
            answered_ns=now_ns + THERE_NS,
        )
        one.hear(now_ns, pong)
    return pings


def up(one: Call, now_ns: int = 0) -> Hello:
    """Everything until it is ready."""
    hello = one.opened()
    assert isinstance(hello, Hello)
    one.hear(now_ns, Welcome(version="1"))
    one.hear(now_ns, Ready())
    for step in range(4):
        answered(one, now_ns + step * 100 * NS_PER_MS)
    assert one.is_ready
    return hello


def test_it_is_ready_once_the_stage_is_open_and_has_been_told_the_time() -> None:
    one = call()
    one.opened()
    assert one.due(0) == []
    one.hear(0, Ready())  # not asked for yet
    assert one.state == "calling"
    one.hear(0, Welcome(version="1"))
    one.hear(0, Ready())
    assert (one.state, one.is_ready) == ("ready", False)
    assert [ping.offset_ns for ping in answered(one, 0)] == [None]
    assert not one.is_ready
    assert [ping.offset_ns for ping in answered(one, NS_PER_S)] == [THERE_NS]
    assert one.is_ready


def test_pings_come_quickly_at_first_and_then_evenly() -> None:
    one = call()
    one.opened()
    one.hear(0, Welcome(version="1"))
    at_ms = [now for now in range(2000) if answered(one, now * NS_PER_MS)]
    assert at_ms[:9] == [0, 30, 60, 90, 120, 150, 180, 210, 240]
    assert at_ms[9:12] == [490, 740, 990]


def test_silence_is_a_cut_and_the_same_session_goes_on() -> None:
    one = call()
    hello = up(one)
    heard_ns = 300 * NS_PER_MS
    assert not one.must_reopen(heard_ns + SILENCE_NS)
    assert one.must_reopen(heard_ns + SILENCE_NS + 1)
    assert up(one, 5 * NS_PER_S) == hello
    assert one.cuts == 1


def test_while_nobody_is_there_the_line_tries_by_itself_and_then_silence_counts() -> None:
    one = call()
    one.opened()
    assert not one.must_reopen(100 * NS_PER_S)
    one.progress(101 * NS_PER_S)
    assert not one.must_reopen(101 * NS_PER_S + SILENCE_NS)
    assert one.must_reopen(101 * NS_PER_S + SILENCE_NS + 1)
    one.opened()
    assert one.cuts == 0  # it was never up


def test_a_dropped_connection_is_made_again_soon() -> None:
    one = call()
    up(one)
    one.drop(NS_PER_S)
    assert not one.must_reopen(NS_PER_S)
    assert one.must_reopen(NS_PER_S + REOPEN_NS)


@pytest.mark.parametrize("kind", [Refused, Failed])
def test_what_failed_is_asked_for_anew_after_a_while(kind: type[Refused] | type[Failed]) -> None:
    one = call()
    hello = up(one)
    failure = kind(text="no", exit_code=2)
    one.hear(NS_PER_S, failure)
    assert (one.state, one.failure, one.is_ready, one.cuts) == ("refused", failure, False, 1)
    assert one.due(2 * NS_PER_S) == []
    assert not one.must_reopen(NS_PER_S + RETRY_NS - 1)
    assert one.must_reopen(NS_PER_S + RETRY_NS)
    again = up(one, 3 * NS_PER_S)
    assert again.session != hello.session
    assert again == dataclasses.replace(hello, session=again.session)
    assert one.failure is None


def test_a_socket_that_is_refused_later_changes_nothing_of_a_call_that_is_up() -> None:
    one = call()
    up(one)
    one.refuse(NS_PER_S, Refused(text="no", exit_code=2))
    assert one.is_ready
    assert one.failure is None
