"""Messages made small for the way to another host, and large again.

Pictures become JPEG files; features, which are about as exact as 8 bits, become half-precision
numbers. What is heard (samples, spectra, streams) travels as it is: objects and the rest stay the
mixture. ``docs/remote.md`` has what that costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from realtime import picture
from realtime.graph import TOPICS
from realtime.messages import End, Message
from realtime.remote.line import Buffer
from realtime.wire import WireError, decode, encode

JPEG_QUALITY = 75
MOST_PIXELS = 1 << 22


class _Codec(Protocol):
    def small(self, array: np.ndarray) -> bytes: ...

    def large(self, data: Buffer) -> Buffer: ...


class _Half:
    """float32 as float16."""

    def small(self, array: np.ndarray) -> bytes:
        limit = np.finfo(np.float16).max
        return bytes(np.clip(array, -limit, limit).astype(np.float16).tobytes())

    def large(self, data: Buffer) -> Buffer:
        if len(data) % 2:
            raise WireError("half-precision numbers: wanted two bytes each")
        return np.frombuffer(data, np.float16).astype(np.float32).tobytes()


class _Jpeg:
    """A picture as a file."""

    def small(self, array: np.ndarray) -> bytes:
        return picture.to_jpeg(array, JPEG_QUALITY)

    def large(self, data: Buffer) -> Buffer:
        raw = bytes(data)
        height, width = picture.jpeg_size(raw)
        if not 0 < height * width <= MOST_PIXELS:
            raise WireError(f"picture: wanted a JPEG file of at most {MOST_PIXELS} pixels")
        pixels = picture.from_jpeg(raw)
        if pixels.shape != (height, width, 3):
            raise WireError("picture: the file is damaged")
        return pixels.reshape(-1).data


# By topic: the arrays of its message, in the order of their parts. Others travel as they are.
_CODECS: Mapping[str, Mapping[str, _Codec]] = MappingProxyType(
    {
        "video": {"pixels": _Jpeg()},
        "sight": {"features": _Half()},
        "sound": {"features": _Half()},
    }
)


def pack(topic: str, message: Message) -> list[Buffer]:
    """The parts of a parcel."""
    header, *arrays = encode(message)
    if isinstance(message, End):
        return [header]
    codecs = list(_CODECS.get(topic, {}).items())
    small: list[Buffer] = [codec.small(getattr(message, name)) for name, codec in codecs]
    return [header, *small, *arrays[len(small) :]]


def unpack(topic: str, parts: Sequence[Buffer]) -> Message:
    """The message that :func:`pack` made the parts of.

    Raises:
        WireError: anything else.
    """
    codecs = list(_CODECS.get(topic, {}).values())
    header, *arrays = parts or [b""]
    large = [codec.large(data) for codec, data in zip(codecs, arrays, strict=False)]
    message = decode([header, *large, *arrays[len(large) :]])
    if not isinstance(message, (*TOPICS[topic].messages, End)):
        raise WireError(f"topic {topic} does not carry {type(message).__name__}")
    return message
