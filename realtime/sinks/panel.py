"""The panel beside the picture: a row for each object and the residual, and the keys. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from realtime.messages import RESIDUAL_ID, Scene
from realtime.picture import (
    REGULAR,
    SEMIBOLD,
    Colour,
    Picture,
    draw_paths,
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
from realtime.sinks.rows import Row, knob_x, row_of

LEVEL_FLOOR_DBFS = -60.0  # an empty bar
_SELECTED = 0.45  # of the groove's colour: bars stay visible on it
_CUT_OFF = ".."  # the end of a name that does not fit

KEY_HINTS = (
    ("click, s", "solo"),
    ("r, esc", "all"),
    ("right, 0-9", "mute"),
    ("up, down", "gain"),
    ("drag, p", "pin"),
    ("u", "unpin"),
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
    short: str  # where there is little room: the number is what keys go by
    colour: Colour
    level_db: float
    is_heard: bool
    set_gain: float
    is_pinned: bool
    state: str


def _strips(scene: Scene | None) -> list[_Strip]:
    if scene is None:
        return []
    strips = [
        _Strip(
            id=item.id,
            name=f"{item.id} {item.name}" if item.name else f"object {item.id}",
            short=f"{item.id} {item.name}".rstrip(),
            colour=item.colour,
            level_db=item.level_db,
            is_heard=item.gain > 0.0,
            set_gain=item.set_gain,
            is_pinned=item.is_pinned,
            state=state_of(scene, item.id),
        )
        for item in sorted(scene.objects, key=lambda item: item.id)
    ]
    rest = _Strip(
        id=RESIDUAL_ID,
        name="residual",
        short="residual",
        colour=RESIDUAL_COLOUR,
        level_db=scene.residual_level_db,
        is_heard=scene.residual_gain > 0.0,
        set_gain=scene.residual_set_gain,
        is_pinned=False,
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
    row = row_of(box, layout)
    colour = shade(strip.colour, 1.0 if strip.is_heard else UNHEARD)
    if is_selected:
        around = layout.px(8)
        fill_box(
            view,
            (left - around, top - around // 2, right + around, bottom - around),
            shade(GROOVE, _SELECTED),
            layout.px(8),
        )
    _draw_chip(view, row.chip, colour, is_full=strip.id != RESIDUAL_ID)
    if strip.state == "muted":
        _cross_out(view, row.chip)
    state_left = _draw_state(view, strip, row, colour)
    name_left = row.chip[2] + layout.px(10)
    whole = strip.short if row.fader is None else strip.name
    name = _shortened(whole, row.text_px, state_left - layout.px(6) - name_left)
    draw_text(view, name, (name_left, row.baseline), row.text_px, TEXT if strip.is_heard else DIM)
    if row.fader is not None:
        _draw_level(view, strip, row.fader, colour)
        _draw_gain(view, strip, row, layout)


def _draw_state(view: Picture, strip: _Strip, row: Row, colour: Colour) -> int:
    """Its state, at the right end, and a pin where it is pinned; returns where they begin."""
    is_solo = strip.state == "solo"
    words = [strip.state] if row.fader is not None else [strip.state, decibels(strip.set_gain)]
    text, weight = " ".join(filter(None, words)), SEMIBOLD if is_solo else REGULAR
    size, baseline = row.text_px, row.baseline
    left = row.box[2] - text_width(text, size, weight)
    draw_text(view, text, (left, baseline), size, colour if is_solo else DIM, weight=weight)
    if strip.is_pinned:
        height = capital_height(size) + 2
        left -= height
        _draw_pin(view, left, baseline, height)
    return left


def _draw_pin(view: Picture, left: int, baseline: int, height: int) -> None:
    """A head on a needle."""
    head = max(5, 2 * height // 3)
    middle, top = left + head // 2, baseline - height + 1
    needle = max(1, height // 8)
    fill_box(view, (middle - needle // 2, top, middle - needle // 2 + needle, baseline + 1), TEXT)
    fill_box(view, (left, top, left + head, top + head), TEXT, head // 2)


def _draw_level(view: Picture, strip: _Strip, bar: Box, colour: Colour) -> None:
    left, top, right, bottom = bar
    radius = (bottom - top) // 2
    fill_box(view, bar, GROOVE, radius)
    share = min(max(1.0 - strip.level_db / LEVEL_FLOOR_DBFS, 0.0), 1.0)
    length = round(share * (right - left))
    if length > 2 * radius:
        fill_box(view, (left, top, left + length, bottom), colour, radius)


def _draw_gain(view: Picture, strip: _Strip, row: Row, layout: Layout) -> None:
    """The knob on the line of the level, which a mouse can pull, and the number behind it."""
    assert row.fader is not None
    _, top, _, bottom = row.fader
    x = knob_x(row.fader, strip.set_gain)
    half, over, rim = max(2, layout.px(4)), max(2, layout.px(4)), max(1, layout.px(2))
    knob = (x - half, top - over, x + half, bottom + over)
    around = (knob[0] - rim, knob[1] - rim, knob[2] + rim, knob[3] + rim)
    fill_box(view, around, PANEL, half + rim)
    fill_box(view, knob, TEXT if strip.is_heard else DIM, half)
    text = decibels(strip.set_gain)
    place = (
        row.box[2] - text_width(text, row.value_px),
        (top + bottom + capital_height(row.value_px)) // 2,
    )
    draw_text(view, text, place, row.value_px, DIM)


def _draw_chip(view: Picture, box: Box, colour: Colour, *, is_full: bool) -> None:
    """The object's colour; a ring for what is no object, whose grey an object may have."""
    side = box[2] - box[0]
    fill_box(view, box, colour, side // 3)
    if not is_full:
        rim = max(2, side // 5)
        inside = (box[0] + rim, box[1] + rim, box[2] - rim, box[3] - rim)
        fill_box(view, inside, PANEL, max(side // 3 - rim, 0))


def _cross_out(view: Picture, box: Box) -> None:
    """A stroke through the chip of what is muted."""
    side = box[2] - box[0]
    corners = [(box[0], box[3]), (box[2], box[1])]
    path = np.array(corners, np.float64)
    for colour, width in ((PANEL, side / 3), (TEXT, side / 8)):
        draw_paths(view, [path], colour, width)


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


def decibels(gain: float) -> str:
    """A linear gain for people to read."""
    if gain <= 0.0:
        return "-inf dB"
    return f"{20.0 * math.log10(gain):+.1f} dB" if gain != 1.0 else "0 dB"
