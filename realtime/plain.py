"""Dataclasses out of JSON that another process wrote, checked against their own declarations."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

LONGEST_LINE = 4 * 1024 * 1024  # characters; a report with all that it may tell of is 3 MB
_LARGEST_INTEGER = 2**63

_T = TypeVar("_T")


class PlainError(ValueError):
    """A value is not what its place is declared to hold."""


def from_line(kind: type[_T], line: str) -> _T:
    """The ``kind`` that one line of JSON describes; see :func:`from_plain`.

    Raises:
        PlainError: it is too long, no JSON, or something else.
    """
    if len(line) > LONGEST_LINE:
        raise PlainError(f"{kind.__name__}: wanted at most {LONGEST_LINE} characters")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PlainError(f"{kind.__name__}: wanted JSON ({type(error).__name__})") from None
    return from_plain(kind, values)


def from_plain(kind: type[_T], values: object) -> _T:
    """The dataclass ``kind`` from what JSON has of it: all its fields and nothing else.

    Numbers are finite, integers have 64 bits, sequences become tuples. Known declarations are
    ``str``, ``int``, ``float``, ``bool``, ``None``, ``Any``, literals, unions, ``Mapping`` by name,
    ``Sequence``, tuples of one length, and dataclasses of these.

    Raises:
        PlainError: the text says where and what.
    """
    made: _T = _dataclass(kind, values, kind.__name__)
    return made


def _dataclass(kind: Any, values: object, where: str) -> Any:
    hints = _hints(kind)
    wanted = [field.name for field in dataclasses.fields(kind)]
    if not isinstance(values, dict) or set(values) != set(wanted):
        raise PlainError(f"{where}: wanted the fields {', '.join(wanted)}")
    return kind(**{name: _value(hints[name], values[name], f"{where}.{name}") for name in wanted})


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(inner, value, where)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, value, where)
    if origin is Mapping and isinstance(value, dict):
        return {name: _value(inner[1], item, f"{where}.{name:.50}") for name, item in value.items()}
    if origin is Sequence and isinstance(value, list):
        return tuple(_value(inner[0], item, where) for item in value)
    if origin is tuple and isinstance(value, list) and len(value) == len(inner):
        return tuple(_value(one, item, where) for one, item in zip(inner, value, strict=True))
    if _is(hint, value):
        return value
    name = getattr(hint, "__name__", str(hint))
    raise PlainError(f"{where}: wanted {name}, got {type(value).__name__}")


def _one_of(hints: Sequence[Any], value: Any, where: str) -> Any:
    for hint in hints:
        try:
            return _value(hint, value, where)
        except PlainError:
            continue
    raise PlainError(f"{where}: got {type(value).__name__}, which is nothing of what it may be")


def _is(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return False
    if hint is float:
        return isinstance(value, int | float) and math.isfinite(value)
    return isinstance(hint, type) and isinstance(value, hint)
