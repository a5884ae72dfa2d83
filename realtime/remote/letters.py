"""What two hosts say to each other: a line of JSON, or a parcel that carries one message.

Every letter begins with the protocol's name and version, and then its kind; of another version only
the refusal can be read, which stays as it is for ever. The receiver trusts nothing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from realtime.graph import TOPICS
from realtime.options import SeparationOptions
from realtime.plain import PlainError, from_line
from realtime.remote.line import MOST_PARTS, Buffer
from realtime.telemetry import EngineSlice
from realtime.wire import WireError

PROTOCOL = 2
VERSION = "0.1.0"  # of the program, for who reads that two do not fit
MOST_JSON_BYTES = 16 * 1024
MOST_NUMBERS = 100
MOST_SLICES = 100
_NAME = "pixelplayer/"
_MOST_TEXT = 500
_MOST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A player asks for a stage.

    ``session`` names this stage's run: after a cut the same one goes on. ``model`` is the
    fingerprint of its description, ``separation`` what the user asked for. Where ``is_traced``, it
    wants to know when the stage's engines were at work.
    """

    version: str
    stage: str
    stream: str
    session: str
    model: str
    separation: SeparationOptions
    is_traced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The stage is being opened, or goes on."""

    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It cannot be; the text is for the user, the exit code the command's."""

    text: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The stage is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The stage ended with an error."""

    text: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The stage has said all that it had to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """``sent_ns`` on the player's clock; how much the other clock is ahead, as far as is known."""

    sent_ns: int
    offset_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """The answer: when the ping came and when this was said, on the other host's clock."""

    sent_ns: int
    received_ns: int
    answered_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """So many messages of a topic were given to the stage."""

    topic: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What the stage tells of itself."""

    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """When the stage's engines were at work, on the player's clock."""

    slices: Sequence[EngineSlice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bye:
    """The player needs the stage no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message, packed (:mod:`realtime.remote.packing`)."""

    topic: str
    parts: Sequence[Buffer]


Letter: TypeAlias = (
    Hello
    | Welcome
    | Refused
    | Ready
    | Failed
    | Finished
    | Ping
    | Pong
    | Taken
    | Numbers
    | Worked
    | Bye
    | Parcel
)
_KINDS = MappingProxyType(
    {
        kind.__name__.lower(): kind
        for kind in (
            *(Hello, Welcome, Refused, Ready, Failed, Finished),
            *(Ping, Pong, Taken, Numbers, Worked, Bye, Parcel),
        )
    }
)


class OtherProtocol(WireError):  # noqa: N818 - a finding, as much as an error
    """The letter is of another version of the protocol, ``spoken``."""

    def __init__(self, spoken: int) -> None:
        super().__init__(f"protocol: wanted {PROTOCOL}, got {spoken}")
        self.spoken = spoken


def write(letter: Letter) -> list[Buffer]:
    """The parts to send."""
    head: list[Buffer] = [f"{_NAME}{PROTOCOL}".encode(), type(letter).__name__.lower().encode()]
    if isinstance(letter, Parcel):
        return [*head, letter.topic.encode(), *letter.parts]
    return [*head, json.dumps(dataclasses.asdict(letter), separators=(",", ":")).encode()]


def read(parts: Sequence[Buffer]) -> Letter:
    """What :func:`write` gave.

    Raises:
        OtherProtocol: it is of another version, and no refusal.
        WireError: it is none.
    """
    if not 3 <= len(parts) <= MOST_PARTS or any(len(part) > 64 for part in parts[:2]):
        raise WireError("letter: wanted its protocol, its kind and what it says")
    spoken = _protocol(bytes(parts[0]))
    name = bytes(parts[1]).decode("ascii", "replace")
    if spoken != PROTOCOL and name != "refused":
        raise OtherProtocol(spoken)
    kind = _KINDS.get(name)
    if kind is None:
        raise WireError(f"letter: {name!r} is unknown")
    if kind is Parcel:
        return _parcel(parts[2:])
    if len(parts) != 3 or len(parts[2]) > MOST_JSON_BYTES:
        raise WireError(f"{kind.__name__}: wanted one part of at most {MOST_JSON_BYTES} bytes")
    try:
        letter: Letter = from_line(kind, bytes(parts[2]).decode("utf-8"))  # type: ignore[assignment]
    except (PlainError, UnicodeDecodeError) as error:
        raise WireError(str(error)) from None
    return _checked(letter)


def _protocol(head: bytes) -> int:
    name, number = head[: len(_NAME)], head[len(_NAME) :]
    if name != _NAME.encode() or not (number.isdigit() and len(number) <= 4):
        raise WireError("letter: it is none of a pixel player")
    return int(number)


def _parcel(parts: Sequence[Buffer]) -> Parcel:
    topic = bytes(parts[0][:64]).decode("ascii", "replace")
    if topic not in TOPICS:
        raise WireError(f"parcel: there is no topic {topic!r}")
    return Parcel(topic=topic, parts=tuple(parts[1:]))


def _checked(letter: Letter) -> Letter:
    if isinstance(letter, Taken) and (letter.topic not in TOPICS or letter.count < 1):
        raise WireError("Taken: wanted a topic and how many of it")
    if isinstance(letter, Numbers) and len(letter.values) > MOST_NUMBERS:
        raise WireError(f"Numbers: wanted at most {MOST_NUMBERS}")
    if isinstance(letter, Worked) and not (
        len(letter.slices) <= MOST_SLICES and all(_is_slice(one) for one in letter.slices)
    ):
        raise WireError(f"Worked: wanted at most {MOST_SLICES}, each with its name, from and to")
    if isinstance(letter, Refused | Failed):  # it is shown on a terminal
        shown = "".join(one if one.isprintable() else " " for one in letter.text[:_MOST_TEXT])
        return dataclasses.replace(letter, text=shown)
    return letter


def _is_slice(one: EngineSlice) -> bool:
    engine, part, start_ns, stop_ns = one
    is_named = all(len(name) <= _MOST_NAME and name.isprintable() for name in (engine, part))
    return is_named and start_ns <= stop_ns
