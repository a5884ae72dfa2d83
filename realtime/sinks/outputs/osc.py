"""Open Sound Control 1.0 packets, from and to bytes. Pure; strict with what comes.

Understood are numbers, texts, true and false, and bundles, whose time is always now. A packet that
is not wholly understood is refused wholly.

Source: M. Wright, "The Open Sound Control 1.0 Specification", 2002.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

LARGEST_PACKET_BYTES = 4096
MOST_CALLS = 64  # of a packet
_DEEPEST_BUNDLE = 4
_BUNDLE = b"#bundle\0"
_NOW = struct.pack(">Q", 1)
_NUMBERS = {"i": struct.Struct(">i"), "f": struct.Struct(">f")}
_NUMBERS |= {"h": struct.Struct(">q"), "d": struct.Struct(">d")}
_WORDS = {"T": True, "F": False}

Argument: TypeAlias = int | float | bool | str


class OscError(ValueError):
    """Bytes that are no packet, or one that holds what is not understood."""


@dataclass(frozen=True, slots=True)
class Call:
    """One message: what is addressed, and with what."""

    address: str
    arguments: tuple[Argument, ...] = ()


def decode(packet: bytes) -> list[Call]:
    """All messages of a packet, in their order.

    Raises:
        OscError: the packet is too long, broken, or holds what is not understood.
    """
    if len(packet) > LARGEST_PACKET_BYTES:
        raise OscError(f"wanted at most {LARGEST_PACKET_BYTES} bytes")
    calls: list[Call] = []
    _decode(packet, calls, 0)
    return calls


def encode(call: Call) -> bytes:
    """One message as a packet; whole numbers have 32 bits, others are of single precision.

    Raises:
        OscError: a whole number has more bits.
    """
    tags, body = ",", b""
    for argument in call.arguments:
        if isinstance(argument, bool):
            tags += "T" if argument else "F"
        elif isinstance(argument, str):
            tags, body = tags + "s", body + _padded(argument)
        else:
            tag = "i" if isinstance(argument, int) else "f"
            try:
                tags, body = tags + tag, body + _NUMBERS[tag].pack(argument)
            except (struct.error, OverflowError):
                raise OscError(f"{call.address}: {argument} does not fit") from None
    return _padded(call.address) + _padded(tags) + body


def bundle(calls: Sequence[Call]) -> bytes:
    """All of them as one packet."""
    parts = [encode(call) for call in calls]
    return _BUNDLE + _NOW + b"".join(struct.pack(">i", len(part)) + part for part in parts)


def _decode(packet: bytes, calls: list[Call], depth: int) -> None:
    if not packet.startswith(_BUNDLE):
        if len(calls) >= MOST_CALLS:
            raise OscError(f"wanted at most {MOST_CALLS} messages")
        calls.append(_message(packet))
        return
    if depth >= _DEEPEST_BUNDLE:
        raise OscError("bundles within bundles within bundles")
    place = len(_BUNDLE) + len(_NOW)
    if len(packet) < place:
        raise OscError("a bundle without its time")
    while place < len(packet):
        size = int.from_bytes(packet[place : place + 4], "big", signed=True)
        place += 4
        if size <= 0 or size % 4 or place + size > len(packet):
            raise OscError("a bundle's part has another length than it says")
        _decode(packet[place : place + size], calls, depth + 1)
        place += size


def _message(packet: bytes) -> Call:
    address, place = _text(packet, 0)
    if not address.startswith("/"):
        raise OscError("an address begins with /")
    if place == len(packet):
        return Call(address)  # old programs leave the tags out where there are no arguments
    tags, place = _text(packet, place)
    if not tags.startswith(","):
        raise OscError("the arguments' types begin with a comma")
    arguments: list[Argument] = []
    for tag in tags[1:]:
        if tag in _WORDS:
            arguments.append(_WORDS[tag])
        elif tag == "s":
            text, place = _text(packet, place)
            arguments.append(text)
        elif tag in _NUMBERS:
            arguments += _unpacked(_NUMBERS[tag], packet, place)
            place += _NUMBERS[tag].size
        else:
            raise OscError(f"arguments of type {tag!r} are not understood")
    if place != len(packet):
        raise OscError("more bytes than the types tell of")
    return Call(address, tuple(arguments))


def _unpacked(form: struct.Struct, packet: bytes, place: int) -> tuple[int | float, ...]:
    try:
        return form.unpack_from(packet, place)
    except struct.error:
        raise OscError("it ends in the middle") from None


def _text(packet: bytes, place: int) -> tuple[str, int]:
    stop = packet.find(b"\0", place)
    after = (stop // 4 + 1) * 4
    if stop < 0 or after > len(packet) or any(packet[stop:after]):
        raise OscError("a text does not end as it should")
    try:
        return packet[place:stop].decode("utf-8"), after
    except UnicodeDecodeError:
        raise OscError("a text is no UTF-8") from None


def _padded(text: str) -> bytes:
    data = text.encode("utf-8")
    return data + b"\0" * (4 - len(data) % 4)
