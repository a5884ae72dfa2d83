"""Who is let in to the page, and who is not; no socket is needed for that."""

from __future__ import annotations

import contextlib
import json
import socket

import pytest

from realtime.clock import NS_PER_S
from realtime.sinks.web_door import FORGOTTEN_S, MOST_ADDRESSES, WRONG_TOKENS, Door, Rules, entry
from realtime.sinks.web_sockets import Sockets
from realtime.sinks.web_told import at_the_end

TOKEN = "x2k_-9.~" * 5
HERE = Rules(names=("127.0.0.1", "localhost"), port=8765)
ANYWHERE = Rules(
    names=("gpu-box", "gpu-box.local", "127.0.0.1", "localhost"),
    port=8765,
    scheme="https",
    takes_addresses=True,
    token=TOKEN,
)


def said(token: object) -> str:
    return json.dumps({"kind": "enter", "token": token})


@pytest.mark.parametrize(
    ("rules", "hosts", "is_known"),
    [
        (HERE, ["127.0.0.1:8765"], True),
        (HERE, ["localhost:8765"], True),
        (HERE, ["192.168.1.5:8765"], False),
        (HERE, ["127.0.0.1:8766"], False),
        (HERE, ["127.0.0.1"], False),
        (HERE, [], False),
        (HERE, ["localhost:8765", "localhost:8765"], False),
        (ANYWHERE, ["GPU-Box:8765"], True),
        (ANYWHERE, ["gpu-box.local:8765"], True),
        (ANYWHERE, ["192.168.1.5:8765"], True),
        (ANYWHERE, ["[fe80::1]:8765"], True),
        (ANYWHERE, ["fe80::1:8765"], False),
        (ANYWHERE, ["evil.example:8765"], False),
        (ANYWHERE, ["192.168.1.5.evil.example:8765"], False),
        (ANYWHERE, ["192.168.1.5:80"], False),
    ],
)
def test_a_page_is_asked_for_by_a_name_of_ours_or_a_plain_address(rules, hosts, is_known):
    door = Door(rules)
    assert (door.refusal_of_page(hosts) is None) == is_known
    assert door.stats()["refused_hosts"] == (not is_known)


@pytest.mark.parametrize(
    ("origins", "is_own"),
    [
        (["https://gpu-box:8765"], True),
        (["http://gpu-box:8765"], False),
        (["https://gpu-box"], False),
        (["https://192.168.1.5:8765"], False),
        (["null"], False),
        ([], False),
        (["https://gpu-box:8765", "https://gpu-box:8765"], False),
    ],
)
def test_a_socket_is_opened_by_the_page_alone(origins, is_own):
    door = Door(ANYWHERE)
    assert (door.refusal_of_socket("gpu-box:8765", origins, "10.0.0.2", 0) is None) == is_own
    assert door.stats()["refused_origins"] == (not is_own)


@pytest.mark.parametrize(
    "message",
    [
        None,
        b"bytes",
        "",
        "{",
        "[" * 250,
        said(""),
        said(TOKEN[:-1]),
        said(TOKEN + "x"),
        said(TOKEN.upper()),
        said(None),
        said([TOKEN]),
        said("ö" * 40),
        json.dumps({"kind": "enter"}),
        json.dumps({"kind": "seen", "token": TOKEN}),
        json.dumps({"kind": "enter", "token": TOKEN, "more": 1}),
    ],
)
def test_nothing_but_the_token_opens_the_door(message):
    door = Door(ANYWHERE)
    assert not door.opens(message, "10.0.0.2", 0)
    assert door.stats()["refused_tokens"] == 1
    assert door.opens(said(TOKEN), "10.0.0.2", 0)


def test_where_no_token_is_wanted_none_opens_either():
    assert not Door(HERE).wants_token
    assert not Door(HERE).opens(said(""), "127.0.0.1", 0)


def test_who_guesses_is_not_asked_for_a_minute_and_others_are():
    door, origin = Door(ANYWHERE), ["https://gpu-box:8765"]

    def refusal(address, now_s):
        return door.refusal_of_socket("gpu-box:8765", origin, address, round(now_s * NS_PER_S))

    for guess in range(WRONG_TOKENS):
        assert refusal("10.0.0.2", guess) is None
        door.opens(said(f"guess{guess}"), "10.0.0.2", guess * NS_PER_S)
    status, _ = refusal("10.0.0.2", WRONG_TOKENS)
    assert status == 429
    assert refusal("10.0.0.3", WRONG_TOKENS) is None
    assert refusal("10.0.0.2", FORGOTTEN_S + 0.1) is None
    assert door.stats() == {
        "refused_hosts": 0,
        "refused_origins": 0,
        "refused_tokens": WRONG_TOKENS,
        "refused_floods": 1,
    }


def test_a_page_that_has_no_token_yet_is_no_guess():
    door = Door(ANYWHERE)
    for _ in range(3 * WRONG_TOKENS):
        door.opens(None, "10.0.0.2", 0)
    assert door.refusal_of_socket("a:1", ["https://a:1"], "10.0.0.2", 1) is None


def test_only_so_many_addresses_are_remembered():
    door = Door(ANYWHERE)
    for number in range(2 * MOST_ADDRESSES):
        door.opens(said("wrong"), str(number), 0)
    assert len(door._wrong) == MOST_ADDRESSES


def test_an_entry_has_a_bound():
    assert entry(said(TOKEN)) == TOKEN
    assert entry(said("x" * 1000)) is None


def pair(sockets, stack):
    """A connection, the end that is ours and the other."""
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    other = stack.enter_context(socket.create_connection(listening.getsockname()))
    own = stack.enter_context(listening.accept()[0])
    sockets.add(own)
    return own, other


def test_who_has_come_in_is_never_pushed_out():
    sockets = Sockets(most=4)
    with contextlib.ExitStack() as stack:
        own, viewer = pair(sockets, stack)
        sockets.keep(own)
        loose = [pair(sockets, stack)[1] for _ in range(10)]
        viewer.setblocking(False)
        with pytest.raises(BlockingIOError):
            viewer.recv(1)
        for other in loose:
            other.settimeout(0.2)
        assert [is_over(other) for other in loose] == [True] * 7 + [False] * 3
        assert sockets.hung_up == 7


def is_over(sock):
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False


def test_what_was_refused_is_told_at_the_end():
    assert at_the_end({"viewers": 3, "refused_hosts": 0}) == ""
    line = at_the_end({"refused_origins": 2.0, "refused_tokens": 3.0})
    assert line == "refused by the page: 2 from foreign pages, 3 without the right token"
