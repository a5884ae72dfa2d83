"""What others may ask for: checked field by field, by an unforgiving schema. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, get_args

from realtime.desk import Part
from realtime.messages import Control, ControlKind
from realtime.sinks.views import VIEWS, View

LARGEST_REQUEST_BYTES = 512
MOST_GAIN = 8.0
MOST_OBJECTS = 64
MOST_LOOKAHEAD_MS = 10_000.0

# What each kind needs, and nothing else may be there.
_FIELDS: dict[str, frozenset[str]] = {
    "click": frozenset({"x", "y"}),
    "pin": frozenset({"x", "y"}),
    "unpin": frozenset({"object_id"}),
    "solo": frozenset({"object_id"}),
    "mute": frozenset({"object_id"}),
    "gain": frozenset({"object_id", "value"}),
    "unsolo": frozenset(),
    "objects": frozenset({"value"}),
    "lookahead": frozenset({"value"}),
    "record": frozenset(),
    "quit": frozenset(),
}


# What may be there besides: whether it is to be on or off; else it is turned over.
_OPTIONAL: dict[str, frozenset[str]] = {
    "solo": frozenset({"value"}),
    "mute": frozenset({"value"}),
    "record": frozenset({"value"}),
}

# Of what a value may be; less than nothing is heard ahead where what comes next is guessed.
_RANGES = {
    "gain": (0.0, MOST_GAIN),
    "solo": (0.0, 1.0),
    "mute": (0.0, 1.0),
    "record": (0.0, 1.0),
    "objects": (0.0, float(MOST_OBJECTS)),
    "lookahead": (-MOST_LOOKAHEAD_MS, MOST_LOOKAHEAD_MS),
}


class RequestError(ValueError):
    """The body of a request is not what it should be."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The pictures up to this number have come."""

    number: int


@dataclass(frozen=True, slots=True)
class Listen:
    """Sound is wanted in the browser, or no more."""

    wants: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Pictures are wanted in this view."""

    view: View


@dataclass(frozen=True, slots=True)
class Follow:
    """Spectrograms of the objects are wanted, or no more."""

    wants: bool


@dataclass(frozen=True, slots=True)
class ListParts:
    """What devices and engines are there now?"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Another device or engine is wanted, by its name in the list."""

    part: Part
    name: str


Request: TypeAlias = Seen | Listen | Look | Follow | ListParts | Chosen | Control


def parse_request(body: str | bytes, stream: str, sequence: int) -> Request:
    """What a viewer asks for: something of the player, or of the page's server.

    Raises:
        RequestError: the body is too long, no JSON, or not exactly the fields of its kind.
    """
    asked = _asked(body)
    kind = asked.get("kind")
    read = _OF_THE_PAGE.get(kind) if isinstance(kind, str) else None
    return control_of(asked, stream, sequence) if read is None else read(asked)


def _seen(asked: dict[str, Any]) -> Seen:
    number = _only(asked, "number")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**53:
        raise RequestError("'number' wants an integer >= 0")
    return Seen(number)


def _listen(asked: dict[str, Any]) -> Listen:
    return Listen(_wants(asked))


def _follow(asked: dict[str, Any]) -> Follow:
    return Follow(_wants(asked))


def _look(asked: dict[str, Any]) -> Look:
    wanted = _only(asked, "view")
    for view in VIEWS:
        if view == wanted:
            return Look(view)
    raise RequestError(f"'view' wants one of {', '.join(VIEWS)}")


def _list(asked: dict[str, Any]) -> ListParts:
    if asked.keys() != {"kind"}:
        raise RequestError("'list' wants nothing besides its kind")
    return ListParts()


def _chosen(asked: dict[str, Any]) -> Chosen:
    if asked.keys() != {"kind", "part", "name"}:
        raise RequestError("'choose' wants name, part besides its kind")
    if not isinstance(asked["name"], str):
        raise RequestError("'name' wants a text")
    for part in get_args(Part):
        if asked["part"] == part:
            return Chosen(part, asked["name"])
    raise RequestError(f"'part' wants one of {', '.join(get_args(Part))}")


_OF_THE_PAGE: Mapping[str, Callable[[dict[str, Any]], Request]] = MappingProxyType(
    {
        "seen": _seen,
        "listen": _listen,
        "follow": _follow,
        "look": _look,
        "list": _list,
        "choose": _chosen,
    }
)


def _asked(body: str | bytes) -> dict[str, Any]:
    if len(body) > LARGEST_REQUEST_BYTES:
        raise RequestError(f"wanted at most {LARGEST_REQUEST_BYTES} bytes")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise RequestError("wanted a JSON object") from None
    if not isinstance(asked, dict):
        raise RequestError("wanted a JSON object")
    return asked


def _wants(asked: dict[str, Any]) -> bool:
    wants = _only(asked, "wants")
    if not isinstance(wants, bool):
        raise RequestError("'wants' wants true or false")
    return wants


def _only(asked: dict[str, Any], name: str) -> object:
    if asked.keys() != {"kind", name}:
        raise RequestError(f"'{asked['kind']}' wants {name} besides its kind")
    return asked[name]


def control_of(asked: dict[str, object], stream: str, sequence: int) -> Control:
    """The control that plain values ask for.

    Raises:
        RequestError: they are not exactly the fields of their kind.
    """
    asked = dict(asked)
    kind = _kind(asked.pop("kind", None))
    if asked.keys() - _OPTIONAL.get(kind, frozenset()) != _FIELDS[kind]:
        names = ", ".join(sorted(_FIELDS[kind])) or "nothing"
        raise RequestError(f"'{kind}' wants {names} besides its kind")
    return Control(
        stream=stream,
        sequence=sequence,
        kind=kind,
        x=_number(asked, "x", (0.0, 1.0)),
        y=_number(asked, "y", (0.0, 1.0)),
        object_id=_object_id(asked),
        value=_number(asked, "value", _RANGES.get(kind, (0.0, 0.0))),
    )


def _kind(given: object) -> ControlKind:
    for kind in get_args(ControlKind):
        if given == kind:
            known: ControlKind = kind
            return known
    raise RequestError(f"wanted a kind, one of {', '.join(get_args(ControlKind))}")


def _number(asked: dict[str, object], name: str, within: tuple[float, float]) -> float | None:
    value = asked.get(name)
    if name not in asked:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"'{name}' wants a number")
    least, most = within
    if not least <= value <= most:  # NaN is not
        raise RequestError(f"'{name}' wants a number in {least:g}..{most:g}")
    return float(value)


def _object_id(asked: dict[str, object]) -> int | None:
    if "object_id" not in asked:
        return None
    value = asked["object_id"]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise RequestError("'object_id' wants an integer >= 0")
    return value
