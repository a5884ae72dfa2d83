"""What the user asks of the rig while it runs, and what is told of it.

A recording is begun and ended by a :class:`~realtime.messages.Control`; which device or engine is
used, by a :class:`Choice`. Who does as asked tells where it stands: when that changes, and once a
second, so that a viewer who comes later knows it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from realtime.checks import MOST_CHARACTERS, MessageError
from realtime.clock import NS_PER_S
from realtime.messages import Message

Part: TypeAlias = Literal["camera", "microphone", "speaker", "vision", "sound"]
"""What can be exchanged: a device, or the engine of a network."""

NETWORKS: tuple[Part, ...] = ("vision", "sound")
TELL_NS = NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Choice(Message):
    """Another device, or engine, in the place of the present one: by its name in the list."""

    part: Part
    name: str

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        _part(self)
        _line(self, "name")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Present(Message):
    """What is used as ``part`` now, and what came of the wishes so far.

    ``said`` is the last thing that the user should know, with a ``number`` that grows from one to
    the next; ``is_refusal``: what was asked for cannot be had.
    """

    part: Part
    name: str
    said: str
    number: int
    is_refusal: bool

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        _part(self)
        _line(self, "name")
        _remark(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Recording(Message):
    """Whether there is a recording, since ``began_ns``; ``said`` as of a :class:`Present`."""

    is_on: bool
    began_ns: int
    said: str
    number: int
    is_refusal: bool

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        _flag(self, "is_on")
        if type(self.began_ns) is not int or abs(self.began_ns) >= 2**63:
            raise MessageError(f"Recording.began_ns: wanted an int of 64 bits, got {self.began_ns}")
        _remark(self)


def _part(owner: Choice | Present) -> None:
    if owner.part not in get_args(Part):
        kind = type(owner).__name__
        raise MessageError(f"{kind}.part: wanted one of {get_args(Part)}, got {owner.part!r}")


def _line(owner: Message, name: str) -> None:
    """A text that can be shown as a line."""
    value = getattr(owner, name)
    is_text = isinstance(value, str) and len(value) <= MOST_CHARACTERS
    if not is_text or not value.isprintable():
        wanted = f"a line of at most {MOST_CHARACTERS} characters"
        raise MessageError(f"{type(owner).__name__}.{name}: wanted {wanted}, got {value!r:.200}")


def _remark(owner: Present | Recording) -> None:
    _line(owner, "said")
    _flag(owner, "is_refusal")
    if type(owner.number) is not int or not 0 <= owner.number < 2**53:
        kind = type(owner).__name__
        raise MessageError(f"{kind}.number: wanted an int >= 0, got {owner.number!r}")


def _flag(owner: Message, name: str) -> None:
    value = getattr(owner, name)
    if not isinstance(value, bool):
        raise MessageError(f"{type(owner).__name__}.{name}: wanted true or false, got {value!r}")


def as_line(text: str) -> str:
    """A text as a message may carry it: one line, what cannot be printed left out."""
    line = " ".join(text.split())
    return "".join(one for one in line if one.isprintable())[:MOST_CHARACTERS]
