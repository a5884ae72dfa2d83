"""Damaged messages for the readers of the wire, of the web page's requests and of reports."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any

import numpy as np

from benchmarks.mutations import damaged_bytes, damaged_json, json_text, strange
from realtime.clock import NS_PER_S
from realtime.messages import Message, Scene, SceneObject, Stats
from realtime.plain import PlainError
from realtime.reports import Command, Report
from realtime.sinks.requests import RequestError, parse_request
from realtime.sinks.web_capture import PICTURE, SOUND, Stand
from realtime.wire import WireError, decode, encode
from tests.fakes.messages import one_of_each

REFUSALS = (WireError, RequestError, PlainError)
_LARGEST_INTEGER = 2**63
_LONGEST_TEXT = 1024
_LONGEST_REPR = 20_000

_REQUESTS: tuple[dict[str, Any], ...] = (
    {"kind": "click", "x": 0.5, "y": 0.25},
    {"kind": "solo", "object_id": 1},
    {"kind": "gain", "object_id": 0, "value": 0.5},
    {"kind": "objects", "value": 2},
    {"kind": "quit"},
)
# Of its camera and of its microphone: see realtime.sinks.web_capture.
_PACKETS = (
    struct.pack("<BBHIqQ", PICTURE, 0, 0, 0, NS_PER_S, 0) + b"\xff\xd8 and so on",
    struct.pack("<BBHIqQ", SOUND, 1, 0, 48_000, NS_PER_S, 512) + bytes(64),
)
_LINES: tuple[tuple[Any, Any], ...] = (
    (Report, Report(kind="ready", stage="sight")),
    (Report, Report(kind="failed", stage="speaker", text="no device", exit_code=3)),
    (Report, Report(kind="numbers", stage="sight", values={"late": 2.0}, spans=((1, 2), (5, 9)))),
    (Command, Command(order="go")),
    (Command, Command(order="lost", stage="sight")),
)


def _taken(packet: bytes) -> None:
    """What the page's server makes of what a browser sends to be the source."""
    stand = Stand("s")
    visit = stand.enter(lambda: None, NS_PER_S)
    assert visit is not None
    stand.take(visit, packet, NS_PER_S)
    for message in stand.taken():
        check(message)


def read_message(rng: Random) -> None:
    """Damage one message and read it.

    Raises:
        WireError, RequestError, PlainError: it was refused.
        AssertionError: it was taken, and is none.
    """
    kind = rng.random()
    if kind < 0.03:
        parse_request(damaged_text(rng, rng.choice(_REQUESTS)), "s", 0)
    elif kind < 0.06:
        packet = bytes(damaged_bytes(rng, rng.choice(_PACKETS)))
        _taken(packet)
    elif kind < 0.09:
        reader, whole = rng.choice(_LINES)
        line = damaged_text(rng, json.loads(whole.to_json()))
        reader.from_json(line.decode("utf-8", "replace"))
    else:
        message = decode(damaged_parts(rng))
        check(message)


@cache
def _whole() -> tuple[tuple[bytes, ...], ...]:
    return tuple(tuple(bytes(part) for part in encode(message)) for message in one_of_each())


@cache
def _headers() -> tuple[Any, ...]:
    return tuple(json.loads(parts[0]) for parts in _whole())


def damaged_parts(rng: Random) -> list[bytes]:
    """The frames of one message of any kind, after an accident of any kind."""
    number = rng.randrange(len(_whole()))
    header, *arrays = _whole()[number]
    what = rng.random()
    if what < 0.35:
        header = json_text(rng, damaged_json(rng, _headers()[number]))
    elif what < 0.5:
        header = json_text(rng, with_strange_field(rng, _headers()[number]))
    elif what < 0.6 and arrays:
        header = json_text(rng, _with_other_shape(rng, _headers()[number]))
    elif what < 0.7:
        header = damaged_bytes(rng, header)
    elif what < 0.85 and arrays:
        place = rng.randrange(len(arrays))
        arrays[place] = damaged_bytes(rng, arrays[place])
    elif what < 0.9:
        arrays = list(rng.choice(_whole())[1:])
    elif what < 0.95:
        frames = [header, *arrays, *rng.choice(_whole())]
        return rng.sample(frames, rng.randrange(len(frames)))
    else:
        return [rng.randbytes(rng.randrange(60)) for _ in range(rng.randrange(4))]
    return [header, *arrays]


def with_strange_field(rng: Random, header: Any) -> Any:
    """A message's header with another value in one of its fields."""
    changed = dict(header, fields=dict(header["fields"]))
    changed["fields"][rng.choice(list(changed["fields"]))] = strange(rng)
    return changed


def _with_other_shape(rng: Random, header: Any) -> Any:
    shapes = dict(header["shapes"])
    name = rng.choice(list(shapes))
    sizes = list(shapes[name])
    for _ in range(rng.choice((1, 1, 2))):
        sizes[rng.randrange(len(sizes))] = rng.choice(
            (0, 1, -1, 2, 7, 2**16, 2**31, 2**62, 2**63, 10**400, 1.5, True, None, "4", [4])
        )
    if rng.random() < 0.3:
        rng.shuffle(sizes)
    shapes[name] = sizes if rng.random() < 0.8 else [1] * rng.choice((0, 1, 5, 70, 5000)) + sizes
    return dict(header, shapes=shapes)


def damaged_text(rng: Random, value: Any) -> bytes:
    """``value`` as JSON, after an accident to it or to its bytes."""
    if rng.random() < 0.7:
        return json_text(rng, damaged_json(rng, value))
    return damaged_bytes(rng, json.dumps(value).encode())


def check(message: Message) -> None:
    """What a stage may rely on once a message is there; raises AssertionError."""
    assert len(repr(message)) < _LONGEST_REPR
    _check_fields(message)
    if isinstance(message, Scene):
        for item in message.objects:
            assert type(item) is SceneObject
            _check_fields(item)
    if isinstance(message, Stats):
        for name, value in message.values.items():
            _check_value(name, name)
            assert math.isfinite(float(value)), f"{name} = {value}"
    again = decode([bytes(part) for part in encode(message)])
    assert type(again) is type(message)


def _check_fields(owner: Any) -> None:
    for field in dataclasses.fields(owner):
        _check_value(field.name, getattr(owner, field.name))


def _check_value(name: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        assert np.isfinite(value).all(), f"{name} is not finite"
    elif isinstance(value, str):
        assert len(value) <= _LONGEST_TEXT, f"{name} is {len(value)} characters long"
    elif isinstance(value, bool | None):
        pass
    elif isinstance(value, int):
        assert -_LARGEST_INTEGER <= value < _LARGEST_INTEGER, f"{name} is huge"
    elif isinstance(value, float):
        assert value < math.inf, f"{name} = {value}"  # a level of silence is -inf
    elif isinstance(value, Sequence):
        for item in value:
            _check_value(name, item)
