"""Messages as bytes: one JSON header, then the raw arrays. Nothing is ever unpickled.

The receiver trusts nothing: sizes are bounded, field names and types are checked against the
message's own declaration, arrays and statistics are finite, and the message then checks its values
as on any construction. ``benchmarks/fuzz.py`` tries.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from realtime.checks import MOST_CHARACTERS
from realtime.desk import Choice, Present, Recording
from realtime.messages import (
    AudioChunk,
    AudioGap,
    CapturedPicture,
    CapturedSound,
    Control,
    End,
    Message,
    Scene,
    SceneObject,
    SightMap,
    SoundColumns,
    Stats,
    Streams,
    VideoFrame,
)
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import Show

HEADER_BYTES = 256 * 1024  # a Scene of a thousand objects fits
ARRAY_BYTES = 256 * 1024 * 1024  # an 8K picture fits
_MOST_DIMENSIONS = 4

Buffer = bytes | memoryview

# The array fields of every message that travels, in the order of their parts.
_ARRAYS: Mapping[type[Message], Mapping[str, np.dtype[Any]]] = MappingProxyType(
    {
        VideoFrame: {"pixels": np.dtype(np.uint8)},
        AudioChunk: {"samples": np.dtype(np.float32)},
        AudioGap: {},
        CapturedPicture: {"jpeg": np.dtype(np.uint8)},
        CapturedSound: {"samples": np.dtype(np.int16)},
        SightMap: {"features": np.dtype(np.float32)},
        SoundColumns: {"features": np.dtype(np.float32), "spectrum": np.dtype(np.complex64)},
        Streams: {"samples": np.dtype(np.float32)},
        Scene: {"heatmap_db": np.dtype(np.float32), "clusters": np.dtype(np.int16)},
        Control: {},
        Show: {},
        ObjectSpectra: {"levels": np.dtype(np.uint8), "shares": np.dtype(np.uint8)},
        PixelSpectra: {"levels": np.dtype(np.uint8)},
        Choice: {},
        Present: {},
        Recording: {},
        Stats: {},
        End: {},
    }
)
_TYPES = MappingProxyType({kind.__name__: kind for kind in _ARRAYS})


class WireError(ValueError):
    """The bytes are no message of ours."""


def encode(message: Message) -> list[Buffer]:
    """Parts to send: the header, then each array's bytes (views, not copies, where possible)."""
    kind = type(message)
    arrays = {name: np.ascontiguousarray(getattr(message, name)) for name in _ARRAYS[kind]}
    fields = {
        field.name: getattr(message, field.name)
        for field in dataclasses.fields(message)
        if field.name not in arrays
    }
    header = {
        "type": kind.__name__,
        "fields": fields,
        "shapes": {name: array.shape for name, array in arrays.items()},
    }
    text = json.dumps(header, default=_plain, separators=(",", ":"))
    return [text.encode(), *(array.reshape(-1).view(np.uint8).data for array in arrays.values())]


def decode(parts: Sequence[Buffer]) -> Message:
    """The message that :func:`encode` made the parts of; its arrays are views of the parts.

    Raises:
        WireError: anything else; the text says what was wrong.
    """
    if not parts or len(parts[0]) > HEADER_BYTES:
        raise WireError(f"header: wanted 1..{HEADER_BYTES} bytes")
    header = _header(bytes(parts[0]))
    kind = _TYPES.get(header["type"]) if isinstance(header["type"], str) else None
    if kind is None:
        raise WireError(f"type: {header['type']!r} is unknown")
    fields = _fields(kind, header["fields"])
    fields |= _arrays(_ARRAYS[kind], header["shapes"], parts[1:])
    try:
        return kind(**fields)
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"{kind.__name__}: {error}") from error


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise WireError(f"header: {type(error).__name__}") from error
    if not isinstance(header, dict) or set(header) != {"type", "fields", "shapes"}:
        raise WireError("header: wanted type, fields and shapes")
    return header


def _fields(kind: type[Message], values: Any) -> dict[str, Any]:
    wanted = {field.name for field in dataclasses.fields(kind)} - set(_ARRAYS[kind])
    if not isinstance(values, dict) or set(values) != wanted:
        raise WireError(f"{kind.__name__}: wanted the fields {sorted(wanted)}")
    nested: dict[str, Any] = {}
    if kind is Scene:
        nested["objects"] = tuple(_scene_object(value) for value in _list(values["objects"]))
    if kind is Stats:
        nested["values"] = _stats(values["values"])
    return {name: _plain_field(values[name]) for name in wanted - set(nested)} | nested


def _stats(values: Any) -> dict[str, Any]:
    if not isinstance(values, dict) or not all(map(is_finite_number, values.values())):
        raise WireError("Stats.values: wanted names and finite numbers")
    if any(len(name) > MOST_CHARACTERS for name in values):
        raise WireError(f"Stats.values: wanted names of at most {MOST_CHARACTERS} characters")
    return values


def is_finite_number(value: object) -> bool:
    """Whether it is a number, out of JSON, that a float can hold."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= sys.float_info.max  # NaN is not
    )


def _scene_object(values: Any) -> SceneObject:
    wanted = {field.name for field in dataclasses.fields(SceneObject)}
    if not isinstance(values, dict) or set(values) != wanted:
        raise WireError(f"SceneObject: wanted the fields {sorted(wanted)}")
    try:
        return SceneObject(**{name: _plain_field(value) for name, value in values.items()})
    except ValueError as error:
        raise WireError(str(error)) from error


def _arrays(
    wanted: Mapping[str, np.dtype[Any]], shapes: Any, parts: Sequence[Buffer]
) -> dict[str, np.ndarray[Any, Any]]:
    if not isinstance(shapes, dict) or set(shapes) != set(wanted) or len(parts) != len(wanted):
        raise WireError(f"arrays: wanted {sorted(wanted)}")
    arrays = {}
    for (name, dtype), part in zip(wanted.items(), parts, strict=True):
        shape = tuple(_list(shapes[name]))
        if len(shape) > _MOST_DIMENSIONS or any(
            type(size) is not int or size < 0 for size in shape
        ):
            raise WireError(f"{name}: the shape {shape!r} is no shape")
        size_bytes = math.prod(shape) * dtype.itemsize
        if size_bytes > ARRAY_BYTES or len(part) != size_bytes:
            raise WireError(
                f"{name}: wanted {size_bytes} bytes, at most {ARRAY_BYTES}; got {len(part)}"
            )
        array = np.frombuffer(part, dtype=dtype)
        # A complex number is two floats, which are looked at twice as fast.
        if dtype.kind in "fc" and not np.isfinite(array.view(np.float32)).all():
            raise WireError(f"{name}: wanted finite numbers")
        arrays[name] = array.reshape(shape)
    return arrays


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise WireError(f"wanted a list, got {type(value).__name__}")
    return value


def _plain_field(value: Any) -> Any:
    """A text, a number or nothing; or a tuple of these."""
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, list | dict) for item in items):
        raise WireError("a field holds lists of lists")
    return tuple(value) if isinstance(value, list) else value


def _plain(value: object) -> object:
    """What JSON does not know: dataclasses, read-only mappings and numpy numbers."""
    if isinstance(value, SceneObject):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} does not travel")
