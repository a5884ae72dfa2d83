"""What a stage wants to outlive it, as plain JSON: arrays become texts."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from realtime.stage import State

MOST_CHARACTERS = 256 * 1024
_DTYPES = ("float32", "float64")
_FIELDS = {"dtype", "shape", "data"}


class KeepsakeError(ValueError):
    """It is too much, of a kind that is not kept, or no keepsake."""


def packed(state: State) -> str:
    """One line of JSON.

    Raises:
        KeepsakeError: it is longer than ``MOST_CHARACTERS``, or holds what JSON does not know.
    """
    try:
        text = json.dumps(state, default=_array, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise KeepsakeError(str(error)) from error
    if len(text) > MOST_CHARACTERS:
        raise KeepsakeError(f"a state of {len(text)} characters: wanted {MOST_CHARACTERS} at most")
    return text


def unpacked(text: str) -> State:
    """The values that :func:`packed` was given, tuples as lists.

    Raises:
        KeepsakeError: it is something else.
    """
    try:
        state: State = json.loads(text, object_hook=_restored)
    except (ValueError, TypeError, RecursionError) as error:
        raise KeepsakeError(f"no state of a stage: {error}") from error
    if not isinstance(state, Mapping):
        raise KeepsakeError(f"no state of a stage: wanted a mapping, got {type(state).__name__}")
    return state


def _array(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray) or value.dtype.name not in _DTYPES:
        raise TypeError(f"{type(value).__name__} is not kept")
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
    return {"dtype": value.dtype.name, "shape": value.shape, "data": data}


def _restored(values: dict[str, Any]) -> Any:
    if set(values) != _FIELDS:
        return values
    if values["dtype"] not in _DTYPES:
        raise KeepsakeError(f"an array of {values['dtype']!r}")
    data = base64.b64decode(values["data"], validate=True)
    return np.frombuffer(data, values["dtype"]).reshape(values["shape"]).copy()
