from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.sinks.outputs.osc import (
    LARGEST_PACKET_BYTES,
    MOST_CALLS,
    Call,
    OscError,
    bundle,
    decode,
    encode,
)
from tests.live.parts import missing

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ARGUMENTS = st.one_of(
    st.booleans(),
    NAMES,
    st.integers(-(2**31), 2**31 - 1),
    st.floats(width=32, allow_nan=False),
)
CALLS = st.builds(
    Call, NAMES.map(lambda name: f"/{name}"), st.lists(ARGUMENTS, max_size=6).map(tuple)
)


@given(CALLS)
def test_a_call_survives(call: Call) -> None:
    assert decode(encode(call)) == [call]


@given(st.lists(CALLS, max_size=8))
def test_a_bundle_survives(calls: list[Call]) -> None:
    assert decode(bundle(calls)) == calls


@pytest.mark.parametrize(
    ("packet", "call"),
    [  # of the specification, "Examples"
        (
            b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0\0",
            Call("/oscillator/4/frequency", (440.0,)),
        ),
        (
            b"/foo\0\0\0\0,iisff\0\0\0\0\x03\xe8\xff\xff\xff\xffhello\0\0\0"
            b"\x3f\x9d\xf3\xb6\x40\xb5\xb2\x2d",
            Call("/foo", (1000, -1, "hello", 1.2339999675750732, 5.677999973297119)),
        ),
    ],
)
def test_the_examples_of_the_specification(packet: bytes, call: Call) -> None:
    assert decode(packet) == [call]
    assert encode(call) == packet


def test_wider_numbers_are_understood() -> None:
    packet = b"/a\0\0,hd\0" + (2**40).to_bytes(8, "big") + b"\x3f\xe0\0\0\0\0\0\0"
    assert decode(packet) == [Call("/a", (2**40, 0.5))]


def test_another_implementation_agrees() -> None:
    try:
        from pythonosc.osc_message_builder import OscMessageBuilder
        from pythonosc.osc_packet import OscPacket
    except ImportError:
        missing("python-osc", "run: pip install python-osc")
    call = Call("/object/1/gain", (0.5, 7, "name", True, False))
    builder = OscMessageBuilder(call.address)
    for argument in call.arguments:
        builder.add_arg(argument)
    packet = builder.build().dgram
    assert decode(packet) == [call]
    assert encode(call) == packet
    found = [timed.message for timed in OscPacket(bundle([call, call])).messages]
    assert [Call(one.address, tuple(one.params)) for one in found] == [call, call]


WHOLE = encode(Call("/a", (1,)))


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"/a",
        b"/a\0\1",
        b"a\0\0\0",
        b"/a\0\0i\0\0\0",
        b"/a\0\0,i\0\0",
        b"/a\0\0,i\0\0\0\0\0\1\0\0\0\0",
        b"/a\0\0,b\0\0\0\0\0\0",
        b"/\xff\0\0,\0\0\0",
        b"#bundle\0",
        b"#bundle\0" + bytes(7),
        b"#bundle\0" + bytes(8) + b"\0\0",
        b"#bundle\0" + bytes(8) + b"\0\0\0\0",
        b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc" + WHOLE,
        b"#bundle\0" + bytes(8) + b"\0\0\0\x10" + WHOLE,
        b"#bundle\0" + bytes(8) + b"\0\0\0\x0b" + WHOLE,
        b"/" + b"a" * LARGEST_PACKET_BYTES + bytes(3),
        bundle([Call("/a")] * (MOST_CALLS + 1)),
    ],
)
def test_what_is_broken_is_refused(packet: bytes) -> None:
    with pytest.raises(OscError):
        decode(packet)


def test_bundles_do_not_go_down_for_ever() -> None:
    packet = WHOLE
    for _ in range(60):
        packet = b"#bundle\0" + bytes(8) + len(packet).to_bytes(4, "big") + packet
    with pytest.raises(OscError, match="within"):
        decode(packet)


def test_what_does_not_fit_is_not_told() -> None:
    with pytest.raises(OscError):
        encode(Call("/a", (2**31,)))


@given(st.binary(max_size=200))
def test_no_bytes_do_harm(packet: bytes) -> None:
    with contextlib.suppress(OscError):
        decode(packet)


@given(st.lists(CALLS, max_size=4), st.data())
def test_no_bytes_in_a_good_packet_do_harm(calls: list[Call], data: st.DataObject) -> None:
    packet = bytearray(bundle(calls))
    for _ in range(3):
        place = data.draw(st.integers(0, len(packet) - 1))
        packet[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(OscError):
        for call in decode(bytes(packet)):
            assert call.address.startswith("/")
            assert all(isinstance(one, int | float | str) for one in call.arguments)
