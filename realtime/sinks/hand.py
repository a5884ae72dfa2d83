"""What presses, moves and releases of the mouse come to. Pure.

As on the page: a click is where the button is let go, and what has moved further is a drag.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from realtime.mouse import MouseEvent

DRAG_PX = 12  # less is a click by an unsteady hand
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gesture:
    """``start`` is where the left button went down, ``place`` where the mouse is.

    ``grab``: it went down; ``pull``: it moves; ``click``: it was let go in place, ``drop``
    elsewhere. ``right`` is the right button, ``wheel`` turns by ``steps``.
    """

    kind: Literal["grab", "pull", "click", "drop", "right", "wheel"]
    start: Place
    place: Place
    is_shifted: bool = False
    steps: float = 0.0


class Hand:
    """One hand at the mouse."""

    def __init__(self) -> None:
        self._start: Place | None = None
        self._place: Place = (-1, -1)
        self._is_dragged = False

    @property
    def drags(self) -> tuple[Place, Place] | None:
        """From where to where something is being dragged; None when nothing is."""
        return (self._start, self._place) if self._start and self._is_dragged else None

    def turn(self, events: Iterable[MouseEvent]) -> list[Gesture]:
        """What it does."""
        return [gesture for event in events if (gesture := self._one(event)) is not None]

    def _one(self, event: MouseEvent) -> Gesture | None:
        place = (event.x, event.y)
        if event.kind == "right":
            return Gesture(kind="right", start=place, place=place)
        if event.kind == "wheel":
            return Gesture(kind="wheel", start=place, place=place, steps=event.steps)
        if event.kind == "press":
            self._start, self._place, self._is_dragged = place, place, False
            return Gesture(kind="grab", start=place, place=place)
        return None if self._start is None else self._moved(event, self._start, place)

    def _moved(self, event: MouseEvent, start: Place, place: Place) -> Gesture | None:
        self._place = place
        self._is_dragged = self._is_dragged or math.dist(start, place) > DRAG_PX
        if event.kind == "release":
            self._start = None
            kind: Literal["click", "drop"] = "drop" if self._is_dragged else "click"
            return Gesture(kind=kind, start=start, place=place, is_shifted=event.is_shifted)
        if not event.is_held:  # it was let go where this window is not told
            self._start = None
            return None
        return Gesture(kind="pull", start=start, place=place)
