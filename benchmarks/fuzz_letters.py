"""Damaged things that come from other hosts and programs: letters, parcels, OSC, a page's words.

What a stage wants to outlive it is here as well: it comes from a process that may be dying.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np

from benchmarks.fuzz_messages import check, damaged_text, with_strange_field
from benchmarks.mutations import damaged_bytes, damaged_json, json_text
from realtime.clock import NS_PER_S
from realtime.graph import TOPICS
from realtime.keepsake import KeepsakeError, packed, unpacked
from realtime.messages import End, Message
from realtime.remote.letters import Failed, Parcel, Refused, read, write
from realtime.remote.packing import pack, unpack
from realtime.sinks.outputs.osc import LARGEST_PACKET_BYTES, MOST_CALLS, Call, OscError, bundle
from realtime.sinks.outputs.osc import decode as decode_osc
from realtime.sinks.outputs.osc import encode as encode_osc
from realtime.sinks.requests import RequestError
from realtime.sinks.web_capture import clock_answer
from realtime.sinks.web_door import entry
from realtime.wire import WireError
from tests.fakes.letters import ONE_OF_EACH
from tests.fakes.messages import frame, one_of_each

REFUSALS = (WireError, OscError, RequestError, KeepsakeError)
_MOST_SHOWN = 500  # characters of a text that is shown on a terminal

_CALLS = (
    Call("/player/object/1/gain", (0.5,)),
    Call("/player/object/2/mute", (True,)),
    Call("/player/name", ("violin", 3)),
    Call("/player/all"),
)
_WORDS: tuple[dict[str, Any], ...] = (
    {"kind": "enter", "token": "0123456789abcdef"},
    {"kind": "clock", "sent": 12.5},
)


def read_letter(rng: Random) -> None:
    """Damage one thing of any kind and read it.

    Raises:
        WireError, OscError, RequestError, KeepsakeError: it was refused.
        AssertionError: it was taken, and is none.
    """
    rng.choices(list(_READERS), list(_READERS.values()))[0](rng)


def _read_line(rng: Random) -> None:
    """A letter of one line of JSON."""
    protocol, kind, text = (bytes(part) for part in write(rng.choice(ONE_OF_EACH)))
    what = rng.random()
    if what < 0.7:
        text = json_text(rng, damaged_json(rng, json.loads(text)))
    elif what < 0.85:
        text = damaged_bytes(rng, text)
    elif what < 0.9:
        kind = bytes(write(rng.choice(ONE_OF_EACH))[1])
    elif what < 0.95:
        protocol = damaged_bytes(rng, protocol)
    else:
        kind = damaged_bytes(rng, kind)
    letter = read([protocol, kind, text][: rng.choice((3, 3, 3, 3, 3, 3, 2, 1))])
    again = read(write(letter))
    if isinstance(letter, Refused | Failed):
        assert len(letter.text) <= _MOST_SHOWN
        assert letter.text.isprintable()
    else:
        assert again == letter


def _read_parcel(rng: Random) -> None:
    """A message of any topic, as the other host gets it."""
    topic, whole = rng.choice(_parcels())
    protocol, kind, name, header, *arrays = whole
    what = rng.random()
    if what < 0.3:
        header = json_text(rng, with_strange_field(rng, json.loads(header)))
    elif what < 0.45:
        header = json_text(rng, damaged_json(rng, json.loads(header)))
    elif what < 0.85 and arrays:
        place = rng.randrange(len(arrays))
        arrays[place] = damaged_bytes(rng, arrays[place])
    elif what < 0.9:
        arrays = list(rng.choice(_parcels())[1][4:])
    elif what < 0.95:
        name = rng.choice(list(TOPICS)).encode()
    else:
        name = damaged_bytes(rng, name)
    letter = read([protocol, kind, name, header, *arrays])
    assert isinstance(letter, Parcel)
    message = unpack(letter.topic, letter.parts)
    assert isinstance(message, (*TOPICS[letter.topic].messages, End)), topic
    check(message)


def _read_osc(rng: Random) -> None:
    packet = bundle(_CALLS) if rng.random() < 0.4 else encode_osc(rng.choice(_CALLS))
    if rng.random() < 0.2:
        packet = bundle(()) + len(packet).to_bytes(4, "big") + packet
    damaged = damaged_bytes(rng, packet)
    calls = decode_osc(damaged)
    assert len(damaged) <= LARGEST_PACKET_BYTES
    assert len(calls) <= MOST_CALLS
    for call in calls:
        assert call.address.startswith("/")
        assert all(isinstance(one, int | float | bool | str) for one in call.arguments)


def _read_words(rng: Random) -> None:
    """What a page says before it is let in, and to learn the time."""
    text = damaged_text(rng, rng.choice(_WORDS)).decode("utf-8", "replace")
    token = entry(text)
    assert token is None or token.isascii()
    json.loads(clock_answer(text, NS_PER_S))


def _read_keepsake(rng: Random) -> None:
    state = unpacked(damaged_text(rng, _keepsake()).decode("utf-8", "replace"))
    for value in state.values():
        assert not isinstance(value, np.ndarray) or value.dtype.kind == "f"


@cache
def _keepsake() -> Any:
    level = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
    return json.loads(packed({"level": level, "since": 12, "names": ["violin", None], "on": True}))


@cache
def _parcels() -> tuple[tuple[str, tuple[bytes, ...]], ...]:
    """Of every topic its messages: the topic, and the parts of the letter."""
    messages: list[Message] = [*one_of_each(), frame(3, 48, 64)]
    return tuple(
        (topic, tuple(bytes(one) for one in write(Parcel(topic=topic, parts=pack(topic, message)))))
        for topic, about in TOPICS.items()
        for message in messages
        if isinstance(message, (*about.messages, End))
    )


# By how often, of a hundred.
_READERS: MappingProxyType[Callable[[Random], None], int] = MappingProxyType(
    {_read_line: 30, _read_parcel: 45, _read_osc: 10, _read_words: 5, _read_keepsake: 10}
)
