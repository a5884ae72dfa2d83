"""Reads of an ONNX file what must be known before a runtime gets it.

Runtimes report a damaged file each in its own way, some by a crash, and none looks for weights
that are not finite. The few fields needed are read straight from the protobuf wire format
(https://protobuf.dev/programming-guides/encoding), so that no ``onnx`` package is needed live.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.errors import EngineError
from engines.protocol import TensorSpec

# Field numbers of onnx.proto3.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_NAME, _NODE_OPERATOR = 3, 4
_TENSOR_DATA_TYPE, _TENSOR_FLOAT_DATA, _TENSOR_NAME, _TENSOR_RAW_DATA = 2, 4, 8, 9
_COLUMNS = b"columns"  # the constant of a sound graph that says which columns it gives
_TENSOR_DATA_LOCATION = 14
_VALUE_NAME, _VALUE_TYPE = 1, 2
_TYPE_TENSOR, _TENSOR_TYPE_SHAPE, _SHAPE_DIM, _DIM_VALUE = 1, 2, 1, 1

_FLOAT_TYPES: dict[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    10: np.dtype("<f2"),
    11: np.dtype("<f8"),
}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types

_Value = int | memoryview
_NOTHING = memoryview(b"")


class _WireError(ValueError):
    """The bytes are no protobuf message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Port:
    """A graph's input or output; a dimension that is free or named is None."""

    name: str
    shape: tuple[int | None, ...]

    def accepts(self, spec: TensorSpec) -> bool:
        return len(self.shape) == len(spec.shape) and all(
            mine is None or mine == wanted
            for mine, wanted in zip(self.shape, spec.shape, strict=True)
        )


def check_graph(path: Path, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> None:
    """Make sure that a graph is whole, finite, and has these inputs and outputs.

    Raises:
        EngineError: it is missing, truncated, not ONNX, keeps its weights elsewhere, has weights
            that are not finite, or other inputs or outputs.
    """
    try:
        content = memoryview(path.read_bytes())
    except OSError as error:
        raise EngineError(
            f"{path} cannot be read ({error.strerror}); export the model again, see docs/models.md"
        ) from None
    found_inputs: list[_Port] = []
    found_outputs: list[_Port] = []
    try:
        graph = _only_message(content, _MODEL_GRAPH)
        for field, value in _fields(graph):
            if field == _GRAPH_INITIALIZER:
                _check_weights(path, _message(value))
            elif field == _GRAPH_INPUT:
                found_inputs.append(_port(_message(value)))
            elif field == _GRAPH_OUTPUT:
                found_outputs.append(_port(_message(value)))
    except _WireError as error:
        raise EngineError(
            f"{path} is truncated or no ONNX file ({error}); "
            "export the model again, see docs/models.md"
        ) from None
    _check_ports(path, "input", found_inputs, inputs)
    _check_ports(path, "output", found_outputs, outputs)


def with_columns(content: bytes, start: int, stop: int) -> bytes | None:
    """A sound graph that gives columns ``start`` to ``stop`` (half-open) of its window only.

    Its decoder then makes these, and what they are made from; see ``some`` of the networks.

    Returns:
        The changed graph; None for one that has no such constant and always gives all.
    """
    at = _columns_at(memoryview(content))
    if at is None:
        return None
    wanted = np.array([start, stop], "<i8").tobytes()
    return content[:at] + wanted + content[at + len(wanted) :]


def node_of(content: bytes, operator: str) -> str:
    """The name of a graph's first node of an operator; "" where there is none, or it has none."""
    try:
        for field, value in _fields(_only_message(memoryview(content), _MODEL_GRAPH)):
            if field != _GRAPH_NODE:
                continue
            node = dict(_fields(_message(value)))
            if bytes(_message(node.get(_NODE_OPERATOR, _NOTHING))) == operator.encode():
                return bytes(_message(node.get(_NODE_NAME, _NOTHING))).decode("utf-8", "replace")
    except _WireError:
        pass  # told by `check_graph`
    return ""


def _columns_at(content: memoryview) -> int | None:
    """Where in a graph's bytes the numbers of its constant ``columns`` begin."""
    try:
        for field, graph, graph_at in _placed_fields(content):
            if field != _MODEL_GRAPH:
                continue
            for part, tensor, tensor_at in _placed_fields(_message(graph)):
                if part != _GRAPH_INITIALIZER:
                    continue
                entries = dict(_fields(_message(tensor)))
                if bytes(_message(entries.get(_TENSOR_NAME, _NOTHING))) != _COLUMNS:
                    continue
                for key, raw, raw_at in _placed_fields(_message(tensor)):
                    if key == _TENSOR_RAW_DATA and len(_message(raw)) == 16:
                        return graph_at + tensor_at + raw_at
    except _WireError:
        pass  # told by `check_graph`
    return None


def _check_ports(
    path: Path, kind: str, found: Sequence[_Port], wanted: Sequence[TensorSpec]
) -> None:
    ports = {port.name: port for port in found}
    if sorted(ports) != sorted(spec.name for spec in wanted):
        raise EngineError(
            f"{path} has {kind}s {sorted(ports)}, needed are {[spec.name for spec in wanted]}; "
            "export the model again, see docs/models.md"
        )
    for spec in wanted:
        port = ports[spec.name]
        if not port.accepts(spec):
            shape = ", ".join("any" if side is None else str(side) for side in port.shape)
            raise EngineError(
                f"{path}: {kind} {spec.name!r} is ({shape}), needed is {spec.shape}; it is another "
                "model's, or was exported for one shape: export again, see docs/models.md"
            )


def _check_weights(path: Path, tensor: memoryview) -> None:
    name, data_type, raw = "", 0, memoryview(b"")
    for field, value in _fields(tensor):
        if field == _TENSOR_NAME:
            name = bytes(_message(value)).decode("utf-8", "replace")
        elif field == _TENSOR_DATA_TYPE and isinstance(value, int):
            data_type = value
        elif field in (_TENSOR_RAW_DATA, _TENSOR_FLOAT_DATA):
            # Packed float_data has the layout of raw float32 data.
            raw = _message(value)
        elif field == _TENSOR_DATA_LOCATION and value:
            raise EngineError(f"{path} keeps its weights in another file; export it as one file")
    dtype = _FLOAT_TYPES.get(data_type)
    if dtype is None:
        return
    if len(raw) % dtype.itemsize:
        raise _WireError(f"weights {name!r} end within a number")
    if not np.isfinite(np.frombuffer(raw, dtype)).all():
        raise EngineError(
            f"{path}: weights {name!r} have values that are not finite; "
            "use another checkpoint (--model DIR)"
        )


def _port(value_info: memoryview) -> _Port:
    name, shape = "", []
    for field, value in _fields(value_info):
        if field == _VALUE_NAME:
            name = bytes(_message(value)).decode("utf-8", "replace")
        elif field == _VALUE_TYPE:
            tensor = _only_message(_message(value), _TYPE_TENSOR)
            dimensions = _only_message(tensor, _TENSOR_TYPE_SHAPE)
            shape = [_side(_message(value)) for _, value in _fields(dimensions)]
    return _Port(name=name, shape=tuple(shape))


def _side(dimension: memoryview) -> int | None:
    for field, value in _fields(dimension):
        if field == _DIM_VALUE and isinstance(value, int):
            return value
    return None


def _only_message(content: memoryview, wanted: int) -> memoryview:
    for field, value in _fields(content):
        if field == wanted:
            return _message(value)
    raise _WireError(f"field {wanted} is missing")


def _message(value: _Value) -> memoryview:
    if isinstance(value, int):
        raise _WireError("a number stands where a message should")
    return value


def _fields(content: memoryview) -> Iterator[tuple[int, _Value]]:
    """The fields of one message: numbers as int, everything else as its bytes."""
    for field, value, _ in _placed_fields(content):
        yield field, value


def _placed_fields(content: memoryview) -> Iterator[tuple[int, _Value, int]]:
    """The same, and where in the message each value begins."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        field, wire = key >> 3, key & 7
        if wire == _VARINT:
            start = at
            number, at = _varint(content, at)
            yield field, number, start
            continue
        if wire == _BYTES:
            length, at = _varint(content, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise _WireError(f"wire type {wire}")
        if at + length > len(content):
            raise _WireError(f"{at + length - len(content)} bytes are missing")
        yield field, content[at : at + length], at
        at += length


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(content):
            raise _WireError("it ends within a number")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _WireError("a number is too long")
