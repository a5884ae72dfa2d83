"""The panel beside the picture: a row for each object and the residual, and the keys. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from realtime.messages import RESIDUAL_ID, Scene
from realtime.picture import (
    REGULAR,
    SEMIBOLD,
    Colour,
    Picture,
    draw_text,
    fill_box,
    text_width,
)
from realtime.sinks.layout import Box, Layout
from realtime.sinks.paint import (
    DIM,
    GROOVE,
    PANEL,
    RESIDUAL_COLOUR,
    TEXT,
    UNHEARD,
    capital_height,
    shade,
    state_of,
)

LEVEL_FLOOR_DBFS = -60.0  # an empty bar
_SELECTED = 0.45  # of the groove's colour: bars stay visible on it
_CUT_OFF = ".."  # the end of a name that does not fit

KEY_HINTS = (
    ("click, s", "solo"),
    ("r, esc", "all"),
    ("1-9, 0", "mute"),
    ("up, down", "gain"),
    ("[ ]", "ahead"),
    ("v", "view"),
    ("q", "quit"),
    ("t", "record"),
    ("c, m, l", "devices"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """One row of the panel: an object, or the residual."""

    id: int
    name: str
    colour: Colour
    level_db: float
    gain: float
    state: str


def _strips(scene: Scene | None) -> list[_Strip]:
    if scene is None:
        return []
    strips = [
        _Strip(
            id=item.id,
            name=f"{item.id} {item.name}" if item.name else f"object {item.id}",
            colour=item.colour,
            level_db=item.level_db,
            gain=item.gain,
            state=state_of(scene, item.id),
        )
        for item in sorted(scene.objects, key=lambda item: item.id)
    ]
    rest = _Strip(
        id=RESIDUAL_ID,
        name="residual",
        colour=RESIDUAL_COLOUR,
        level_db=scene.residual_level_db,
        gain=scene.residual_gain,
        state=state_of(scene, RESIDUAL_ID),
    )
    return [*strips, rest]


def draw_panel(view: Picture, scene: Scene | None, layout: Layout, selected: int | None) -> None:
    """Draw it into the view; `selected` is the object whose row stands out."""
    fill_box(view, layout.panel, PANEL)
    strips = _strips(scene)
    boxes = layout.strips(max(len(strips), 1))
    for strip, box in zip(strips, boxes, strict=False):
        _draw_strip(view, strip, box, layout, is_selected=strip.id == selected)
    if not strips:
        size = layout.px(18)
        place = (boxes[0][0], boxes[0][1] + capital_height(size))
        draw_text(view, "listening", place, size, DIM)
    _draw_hints(view, layout)


def _draw_strip(
    view: Picture,
    strip: _Strip,
    box: Box,
    layout: Layout,
    *,
    is_selected: bool,
) -> None:
    left, top, right, bottom = box
    size = max(11, min(layout.px(19), (bottom - top) // 3))
    is_heard, is_solo = strip.gain > 0.0, strip.state == "solo"
    colour = shade(strip.colour, 1.0 if is_heard else UNHEARD)
    if is_selected:
        around = layout.px(8)
        fill_box(
            view,
            (left - around, top - around // 2, right + around, bottom - around),
            shade(GROOVE, _SELECTED),
            layout.px(8),
        )
    chip = capital_height(size) + 2
    baseline = top + size + layout.px(2)
    _draw_chip(view, (left, baseline - chip + 1, left + chip, baseline + 1), strip.id, colour)
    state, weight = strip.state or _decibels(strip.gain), SEMIBOLD if is_solo else REGULAR
    state_left = right - text_width(state, size, weight)
    draw_text(view, state, (state_left, baseline), size, colour if is_solo else DIM, weight=weight)
    name_left = left + chip + layout.px(10)
    name = _shortened(strip.name, size, state_left - layout.px(6) - name_left)
    draw_text(view, name, (name_left, baseline), size, TEXT if is_heard else DIM, weight=REGULAR)
    bar_top = baseline + layout.px(11)
    bar_bottom = min(bar_top + layout.px(9), bottom - 2)
    if bar_bottom <= bar_top:
        return
    radius = (bar_bottom - bar_top) // 2
    fill_box(view, (left, bar_top, right, bar_bottom), GROOVE, radius)
    share = min(max(1.0 - strip.level_db / LEVEL_FLOOR_DBFS, 0.0), 1.0)
    length = round(share * (right - left))
    if length > 2 * radius:
        fill_box(view, (left, bar_top, left + length, bar_bottom), colour, radius)


def _draw_chip(view: Picture, box: Box, object_id: int, colour: Colour) -> None:
    """The object's colour; a ring for what is no object, whose grey an object may have."""
    x0, y0, x1, y1 = box
    side = x1 - x0
    fill_box(view, box, colour, side // 3)
    if object_id == RESIDUAL_ID:
        rim = max(2, side // 5)
        inside = (x0 + rim, y0 + rim, x1 - rim, y1 - rim)
        fill_box(view, inside, PANEL, max(side // 3 - rim, 0))


def _shortened(name: str, size_px: int, room_px: int) -> str:
    """As much of the name as there is room for."""
    if text_width(name, size_px) <= room_px:
        return name
    fits = (name[:end].rstrip() + _CUT_OFF for end in range(len(name) - 1, 0, -1))
    return next((one for one in fits if text_width(one, size_px) <= room_px), "")


def _draw_hints(view: Picture, layout: Layout) -> None:
    left, top, right, bottom = layout.hints
    size = max(11, layout.px(16))
    columns = layout.hint_columns
    width = (right - left) // columns
    key_width = max(text_width(key, size, SEMIBOLD) for key, _ in KEY_HINTS) + layout.px(14)
    for number, (key, meaning) in enumerate(KEY_HINTS):
        x = left + number % columns * width
        y = top + (number // columns + 1) * layout.px(24) - layout.px(6)
        if y > bottom - layout.px(16):
            break
        draw_text(view, key, (x, y), size, DIM, weight=SEMIBOLD)
        draw_text(view, meaning, (x + key_width, y), size, DIM)


def _decibels(gain: float) -> str:
    return f"{20.0 * math.log10(gain):+.1f} dB" if gain != 1.0 else "0 dB"
