"""Where things stand in the viewer: the picture, the panel beside it, the status line. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

Box = tuple[int, int, int, int]  # [x0, x1) x [y0, y1), pixels

HINTS = 11  # lines of the key hints
SMALLEST_WIDTH = 320
SMALLEST_HEIGHT = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes in pixels of a view of width x height; `unit` is 1 for a view of 1280 x 720."""

    width: int
    height: int
    unit: float
    picture: Box
    panel: Box
    status: Box

    def strips(self, count: int) -> list[Box]:
        """The boxes of `count` rows of the panel, objects first, the residual last."""
        x0, y0, x1, _ = self.panel
        top, pad = y0 + self.px(20), self.px(20)
        height = min(self.px(66), (self.hints[1] - top) // max(count, 1))
        return [
            (x0 + pad, top + place * height, x1 - pad, top + (place + 1) * height)
            for place in range(count)
        ]

    @property
    def hints(self) -> Box:
        """Where the panel explains the keys: its lower end."""
        x0, y0, x1, y1 = self.panel
        half = (y1 - y0) // 2 // self.px(24)  # the objects have the other half at the least
        lines = min(math.ceil(HINTS / self.hint_columns), max(half, 1))
        pad = self.px(20)
        return x0 + pad, y1 - self.px(16) - lines * self.px(24), x1 - pad, y1

    @property
    def hint_columns(self) -> int:
        """How many hints stand side by side."""
        return max(1, (self.panel[2] - self.panel[0]) // self.px(210))

    def px(self, units: float) -> int:
        """A length in pixels, at least 1."""
        return max(1, round(units * self.unit))

    def fraction(self, x: int, y: int) -> tuple[float, float] | None:
        """Where a point of the view lies in the picture, as fractions; None beside it."""
        x0, y0, x1, y1 = self.picture
        if not (x0 <= x < x1 and y0 <= y < y1):
            return None
        return (x - x0 + 0.5) / (x1 - x0), (y - y0 + 0.5) / (y1 - y0)


def natural_size(picture_width: int, picture_height: int) -> tuple[int, int]:
    """Width and height of a view that a picture fills, about as large as a small screen."""
    if picture_width >= picture_height:
        panel_width, status_height = 243, 30
        height = (1280 - panel_width) * picture_height / picture_width + status_height
        return 1280, round(min(max(height, 400), 1000))
    return 600, 960


def lay_out(width: int, height: int, picture_width: int, picture_height: int) -> Layout:
    """Place a picture as large as it fits, with the panel on its right, or below when upright."""
    width, height = max(width, SMALLEST_WIDTH), max(height, SMALLEST_HEIGHT)
    unit = min(max(min(width / 1280.0, height / 720.0), 0.55), 2.5)
    status_height = round(34 * unit)
    below = height - status_height
    if width >= 1.1 * height:
        panel_width = min(round(max(250 * unit, 0.19 * width)), round(0.36 * width))
        panel = (width - panel_width, 0, width, below)
        room = (0, 0, width - panel_width, below)
    else:
        # What the picture leaves over is the panel's.
        panel_height = max(
            round(0.3 * below), below - round(width * picture_height / picture_width)
        )
        panel = (0, below - panel_height, width, below)
        room = (0, 0, width, below - panel_height)
    return Layout(
        width=width,
        height=height,
        unit=unit,
        picture=_fitted(room, picture_width, picture_height),
        panel=panel,
        status=(0, below, width, height),
    )


def _fitted(room: Box, width: int, height: int) -> Box:
    room_width, room_height = room[2] - room[0], room[3] - room[1]
    scale = min(room_width / width, room_height / height)
    fitted_width = max(1, min(room_width, round(width * scale)))
    fitted_height = max(1, min(room_height, round(height * scale)))
    x0 = room[0] + (room_width - fitted_width) // 2
    y0 = room[1] + (room_height - fitted_height) // 2
    return x0, y0, x0 + fitted_width, y0 + fitted_height
