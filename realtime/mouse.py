"""What a mouse says, whatever shows the window. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

MouseKind: TypeAlias = Literal["press", "move", "release", "right", "wheel"]


class MouseEvent(NamedTuple):
    """What the mouse did at a pixel of the picture shown.

    ``press`` and ``release`` are of the left button, ``right`` lets go of the right one.
    ``steps`` of a ``wheel`` are notches, up is more than 0.
    """

    kind: MouseKind
    x: int
    y: int
    is_held: bool = False  # the left button
    is_shifted: bool = False  # the shift key
    steps: float = 0.0
