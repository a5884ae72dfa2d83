"""How a message checks its own fields: each check raises what names field, wish and finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Bounds that no honest message comes near; the largest and the smallest integer are int64's.
MOST_CHARACTERS = 1024  # of a name
MOST_OBJECTS = 1000  # of a scene, or of the streams
HIGHEST_RATE_HZ = 1_000_000
_LARGEST_INTEGER = 2**63
_LONGEST_REPR = 2000  # of one field


class MessageError(ValueError):
    """A message's field is out of its range, or has the wrong type or shape."""


def brief(value: object) -> str:
    """What is shown of a field: shapes of arrays, never data, and of a text the beginning."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}"
    if isinstance(value, Mapping):
        return f"<{len(value)} values>"
    text = repr(value)
    return text if len(text) <= _LONGEST_REPR else f"{text[:_LONGEST_REPR]}..."


def failure(owner: object, name: str, wanted: str) -> MessageError:
    """The error that names the field, what was wanted, and what was found."""
    found = brief(getattr(owner, name))
    return MessageError(f"{type(owner).__name__}.{name}: wanted {wanted}, got {found}")


def check_text(owner: object, name: str) -> None:
    """A name."""
    value = getattr(owner, name)
    if not isinstance(value, str) or not 0 < len(value) <= MOST_CHARACTERS:
        raise failure(owner, name, f"a name of at most {MOST_CHARACTERS} characters")


def check_integer(owner: object, name: str) -> None:
    """An int of 64 bits."""
    value = getattr(owner, name)
    if type(value) is not int or not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        raise failure(owner, name, "an int of 64 bits")


def check_at_least(owner: object, least: int, *names: str) -> None:
    """Ints of 64 bits, none of them below ``least``."""
    for name in names:
        check_integer(owner, name)
        if getattr(owner, name) < least:
            raise failure(owner, name, f"an int >= {least}")


def check_rate(owner: object) -> None:
    """``rate_hz``, as devices and files have it."""
    name = "rate_hz"
    check_at_least(owner, 1, name)
    if getattr(owner, name) > HIGHEST_RATE_HZ:
        raise failure(owner, name, f"at most {HIGHEST_RATE_HZ} Hz")


def _in_range(value: object, low: float, high: float) -> bool:
    return (
        isinstance(value, int | float | np.integer | np.floating)
        and not isinstance(value, bool)
        and not (isinstance(value, int) and abs(value) >= _LARGEST_INTEGER)
        and bool(low <= value <= high)
    )  # NaN is in no range


def check_number(owner: object, name: str, low: float, high: float) -> None:
    """A number within bounds."""
    if not _in_range(getattr(owner, name), low, high):
        raise failure(owner, name, f"a number in {low}..{high}")


def check_numbers(owner: object, name: str, count: int, low: float, high: float) -> None:
    """A tuple of so many numbers within bounds."""
    values = getattr(owner, name)
    if (
        not isinstance(values, tuple)
        or len(values) != count
        or not all(_in_range(value, low, high) for value in values)
    ):
        raise failure(owner, name, f"a tuple of {count} numbers in {low}..{high}")


def check_ids(owner: object, name: str, least: int) -> None:
    """A tuple of different ids, none of them below ``least``."""
    values = getattr(owner, name)
    if (
        not isinstance(values, tuple)
        or len(values) > MOST_OBJECTS
        or not all(type(value) is int and least <= value < _LARGEST_INTEGER for value in values)
        or len(set(values)) != len(values)
    ):
        raise failure(owner, name, f"a tuple of at most {MOST_OBJECTS} different ids >= {least}")


def check_array(
    owner: object, name: str, dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    """Check an array field (None = any length >= 1) and make the message's view read-only."""
    value: Any = getattr(owner, name)
    if (
        not isinstance(value, np.ndarray)
        or value.dtype != dtype
        or value.ndim != len(shape)
        or any(
            size < 1 if wanted is None else size != wanted
            for size, wanted in zip(value.shape, shape, strict=True)
        )
    ):
        sizes = ", ".join("any" if wanted is None else str(wanted) for wanted in shape)
        raise failure(owner, name, f"{np.dtype(dtype)}({sizes})")
    if value.flags.writeable:
        view = value.view()
        view.flags.writeable = False
        object.__setattr__(owner, name, view)
