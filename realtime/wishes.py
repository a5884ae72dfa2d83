"""What travels only while somebody wants it, and how that is said.

The rules are those of :mod:`realtime.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from realtime.checks import MessageError
from realtime.messages import Message

Wish: TypeAlias = Literal["objects", "pixels", "streams"]
WISH_S = 3.0  # a wish that was not said again for so long is over


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Show(Message):
    """What a viewer wants, on topic ``control``: spectra of objects, of pixels, or streams to hear.

    It is said again every second. Nobody has to take it back: who has left, or has died, says it
    no more; and who takes the place of another is told as soon.
    """

    what: tuple[Wish, ...]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if not isinstance(self.what, tuple) or not set(self.what) <= set(get_args(Wish)):
            raise MessageError(f"Show.what: wanted some of {get_args(Wish)}")
