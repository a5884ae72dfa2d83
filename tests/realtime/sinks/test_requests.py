import contextlib
import json

import numpy as np
import pytest

from realtime.messages import Control
from realtime.sinks.requests import (
    Chosen,
    Follow,
    Listen,
    ListParts,
    Look,
    RequestError,
    Seen,
    parse_request,
)


def parse(asked):
    return parse_request(json.dumps(asked).encode(), "test", 3)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "click", "x": 0, "y": 1.0},
        {"kind": "pin", "x": 0.5, "y": 0.25},
        {"kind": "unpin", "object_id": 2},
        {"kind": "solo", "object_id": 2},
        {"kind": "mute", "object_id": 0},
        {"kind": "mute", "object_id": 3, "value": 1},
        {"kind": "solo", "object_id": 0, "value": 0.0},
        {"kind": "gain", "object_id": 1, "value": 0.5},
        {"kind": "unsolo"},
        {"kind": "objects", "value": 3},
        {"kind": "lookahead", "value": -23.2},
        {"kind": "lookahead", "value": 93},
        {"kind": "quit"},
    ],
)
def test_what_is_right_is_understood(asked):
    control = parse(asked)
    assert (control.stream, control.sequence) == ("test", 3)
    for name, value in asked.items():
        assert getattr(control, name) == value


@pytest.mark.parametrize(
    "asked",
    [
        None,
        7,
        "quit",
        [],
        {},
        {"kind": "explode"},
        {"kind": ["quit"]},
        {"kind": "quit", "x": 0.5},
        {"kind": "click", "x": 0.5},
        {"kind": "click", "x": 0.5, "y": 1.5},
        {"kind": "click", "x": 0.5, "y": True},
        {"kind": "click", "x": "0.5", "y": 0.5},
        {"kind": "click", "x": None, "y": 0.5},
        {"kind": "unpin"},
        {"kind": "unpin", "object_id": 1, "value": 0},
        {"kind": "solo", "object_id": -1},
        {"kind": "solo", "object_id": 1.0},
        {"kind": "solo", "object_id": True},
        {"kind": "solo", "object_id": 2**40},
        {"kind": "solo", "object_id": 1, "value": 2},
        {"kind": "solo", "value": 1},
        {"kind": "unsolo", "value": 1},
        {"kind": "gain", "object_id": 1, "value": 9.0},
        {"kind": "gain", "object_id": 1, "value": float("nan")},
        {"kind": "gain", "object_id": 1, "value": float("inf")},
        {"kind": "gain", "object_id": 1, "value": -0.5},
        {"kind": "gain", "value": 1.0},
        {"kind": "lookahead", "value": -1e5},
        {"kind": "lookahead", "value": float("nan")},
        {"kind": "objects", "value": 10**400},
    ],
)
def test_what_is_wrong_is_refused(asked):
    with pytest.raises(RequestError):
        parse(asked)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 400, b'{"kind":"quit"}' + b" " * 500]
)
def test_what_is_no_json_is_refused(body):
    with pytest.raises(RequestError):
        parse_request(body, "test", 0)


def test_no_bytes_do_harm():
    generator = np.random.default_rng(0)
    good = b'{"kind":"gain","object_id":1,"value":0.5}'
    for _ in range(2000):
        body = bytearray(good)
        for place in generator.integers(0, len(body), 3):
            body[place] = generator.integers(0, 256)
        with contextlib.suppress(RequestError):
            assert isinstance(parse_request(bytes(body), "test", 0), Control)


def test_what_the_page_asks_of_its_server_is_told_from_control():
    assert parse_request('{"kind":"seen","number":7}', "test", 3) == Seen(7)
    assert parse_request('{"kind":"listen","wants":true}', "test", 3) == Listen(True)
    assert parse_request('{"kind":"follow","wants":false}', "test", 3) == Follow(False)
    assert parse_request('{"kind":"look","view":"clusters"}', "test", 3) == Look("clusters")
    assert parse_request('{"kind":"list"}', "test", 3) == ListParts()
    chosen = parse_request('{"kind":"choose","part":"speaker","name":"USB"}', "test", 3)
    assert chosen == Chosen("speaker", "USB")
    control = parse_request('{"kind":"record","value":1}', "test", 3)
    assert (control.kind, control.value) == ("record", 1.0)
    control = parse_request('{"kind":"mute","object_id":1}', "test", 3)
    assert isinstance(control, Control)
    assert (control.kind, control.object_id) == ("mute", 1)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "seen"},
        {"kind": "seen", "number": -1},
        {"kind": "seen", "number": 1.5},
        {"kind": "seen", "number": True},
        {"kind": "seen", "number": 2**53},
        {"kind": "seen", "number": 1, "x": 1},
        {"kind": "listen"},
        {"kind": "listen", "wants": 1},
        {"kind": "listen", "wants": True, "number": 1},
        {"kind": "watch"},
        {"kind": "follow"},
        {"kind": "follow", "wants": None},
        {"kind": "look"},
        {"kind": "look", "view": "all"},
        {"kind": "look", "view": ["energy"]},
        {"kind": "look", "view": "energy", "wants": True},
        {"kind": "list", "part": "speaker"},
        {"kind": "choose"},
        {"kind": "choose", "part": "speaker"},
        {"kind": "choose", "part": "window", "name": "a"},
        {"kind": "choose", "part": ["speaker"], "name": "a"},
        {"kind": "choose", "part": "speaker", "name": 3},
        {"kind": "choose", "part": "speaker", "name": "a", "x": 1},
        {"kind": "record", "value": 2},
        {"kind": "record", "object_id": 1},
        [],
    ],
)
def test_a_viewers_nonsense_is_refused(asked):
    with pytest.raises(RequestError):
        parse_request(json.dumps(asked), "test", 3)
