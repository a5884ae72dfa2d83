"""Draw the viewer: the picture with its scene, the panel and the status line. Pure."""

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
    draw_text,
    fill_box,
    resized,
    text_width,
)
from realtime.sinks.hud import Hud
from realtime.sinks.layout import Box, Layout
from realtime.sinks.scene_layer import BACKGROUND, PANEL, capital, draw_scene, shade, state_of

LEVEL_FLOOR_DBFS = -60.0  # an empty bar

RESIDUAL_COLOUR: Colour = (190, 184, 180)
_GROOVE: Colour = (56, 52, 49)
_TEXT: Colour = (238, 235, 232)
_DIM: Colour = (160, 154, 149)
_WARNING: Colour = (70, 176, 250)

KEY_HINTS = (
    ("click, s", "solo"),
    ("r, esc", "all"),
    ("1-9, 0", "mute"),
    ("up, down", "gain"),
    ("[ ]", "ahead"),
    ("q", "quit"),
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


def draw_view(
    picture: Picture | None, scene: Scene | None, hud: Hud, layout: Layout, selected: int | None
) -> Picture:
    """The whole viewer as a new BGR array of the layout's size.

    `selected` is the object (0: the residual) that the gain keys act on.
    """
    view = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    fill_box(view, (0, 0, layout.width, layout.height), BACKGROUND)
    x0, y0, x1, y1 = layout.picture
    if picture is not None:
        view[y0:y1, x0:x1] = draw_scene(resized(picture, x1 - x0, y1 - y0), scene)
    else:
        _draw_waiting(view, layout)
    _draw_panel(view, scene, layout, selected)
    _draw_status(view, hud, layout)
    return view


def _draw_waiting(view: Picture, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.picture
    fill_box(view, layout.picture, PANEL)
    size = layout.px(20)
    text = "waiting for the picture"
    place = ((x0 + x1 - text_width(text, size)) // 2, (y0 + y1 + capital(size)) // 2)
    draw_text(view, text, place, size, _DIM)


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
            state=state_of(scene, item.id, item.gain),
        )
        for item in sorted(scene.objects, key=lambda item: item.id)
    ]
    rest = _Strip(
        id=RESIDUAL_ID,
        name="residual",
        colour=RESIDUAL_COLOUR,
        level_db=scene.residual_level_db,
        gain=scene.residual_gain,
        state=state_of(scene, RESIDUAL_ID, scene.residual_gain),
    )
    return [*strips, rest]


def _draw_panel(view: Picture, scene: Scene | None, layout: Layout, selected: int | None) -> None:
    fill_box(view, layout.panel, PANEL)
    strips = _strips(scene)
    boxes = layout.strips(max(len(strips), 1))
    for strip, box in zip(strips, boxes, strict=False):
        _draw_strip(view, strip, box, layout, is_selected=strip.id == selected)
    if not strips:
        size = layout.px(18)
        place = (boxes[0][0], boxes[0][1] + capital(size))
        draw_text(view, "listening", place, size, _DIM)
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
    colour = shade(strip.colour, 1.0 if is_heard else 0.45)
    if is_selected:
        around = layout.px(8)
        fill_box(
            view,
            (left - around, top - around // 2, right + around, bottom - around),
            shade(_GROOVE, 0.82),
            layout.px(8),
        )
    chip = capital(size) + 2
    baseline = top + size + layout.px(2)
    fill_box(view, (left, baseline - chip + 1, left + chip, baseline + 1), colour, chip // 3)
    name_left = left + chip + layout.px(10)
    draw_text(
        view, strip.name, (name_left, baseline), size, _TEXT if is_heard else _DIM, weight=REGULAR
    )
    state = strip.state or _decibels(strip.gain)
    ink = colour if is_solo else _DIM
    state_left = right - text_width(state, size, SEMIBOLD if is_solo else REGULAR)
    if state_left > name_left + text_width(strip.name, size) + layout.px(6):
        weight = SEMIBOLD if is_solo else REGULAR
        draw_text(view, state, (state_left, baseline), size, ink, weight=weight)
    bar_top = baseline + layout.px(11)
    bar_bottom = min(bar_top + layout.px(9), bottom - 2)
    if bar_bottom <= bar_top:
        return
    radius = (bar_bottom - bar_top) // 2
    fill_box(view, (left, bar_top, right, bar_bottom), _GROOVE, radius)
    share = min(max(1.0 - strip.level_db / LEVEL_FLOOR_DBFS, 0.0), 1.0)
    length = round(share * (right - left))
    if length > 2 * radius:
        fill_box(view, (left, bar_top, left + length, bar_bottom), colour, radius)


def _draw_hints(view: Picture, layout: Layout) -> None:
    left, top, right, _ = layout.hints
    size = max(11, layout.px(16))
    columns = layout.hint_columns
    width = (right - left) // columns
    key_width = max(text_width(key, size, SEMIBOLD) for key, _ in KEY_HINTS) + layout.px(14)
    for number, (key, meaning) in enumerate(KEY_HINTS):
        x = left + number % columns * width
        y = top + (number // columns + 1) * layout.px(24) - layout.px(6)
        draw_text(view, key, (x, y), size, _DIM, weight=SEMIBOLD)
        draw_text(view, meaning, (x + key_width, y), size, _DIM)


def _draw_status(view: Picture, hud: Hud, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.status
    fill_box(view, layout.status, BACKGROUND)
    size = max(11, layout.px(17))
    baseline = (y0 + y1 + capital(size)) // 2
    gap, between = layout.px(7), layout.px(24)
    left, right = x0 + layout.px(16), x1 - layout.px(16)
    warning = ", ".join(hud.warnings)
    if warning:
        warning_left = right - text_width(warning, size, SEMIBOLD)
        place = (max(warning_left, left), baseline)
        draw_text(view, warning, place, size, _WARNING, weight=SEMIBOLD)
        right = warning_left - between
    for value, label in _status_items(hud):
        value_width = text_width(value, size, SEMIBOLD)
        width = value_width + gap + text_width(label, size)
        if left + width > right:
            return
        draw_text(view, value, (left, baseline), size, _TEXT, weight=SEMIBOLD)
        draw_text(view, label, (left + value_width + gap, baseline), size, _DIM)
        left += width + between


def _status_items(hud: Hud) -> list[tuple[str, str]]:
    items = []
    if hud.latency_ms is not None:
        items.append((f"{hud.latency_ms:.0f} ms", "to the ear"))
    if hud.sound_early_ms is not None:
        camera = f", camera {hud.av_offset_ms:+.0f}" if hud.av_offset_ms else ""
        items.append((f"{hud.sound_early_ms:+.0f} ms", f"lip sync{camera}"))
    if hud.masks_per_s is not None:
        items.append((f"{hud.masks_per_s:.1f}", "masks/s"))
    if hud.frames_per_s is not None:
        items.append((f"{hud.frames_per_s:.0f}", "frames/s"))
    items.append((str(hud.drops), "dropped"))
    if hud.engines:
        items.append((hud.engines, "engine" if "+" not in hud.engines else "engines"))
    if hud.causes_ms:
        causes = " + ".join(f"{value:.0f} {name}" for name, value in hud.causes_ms if value >= 0.5)
        items.append(("ms", f"= {causes}"))
    return items


def _decibels(gain: float) -> str:
    return f"{20.0 * math.log10(gain):+.1f} dB" if gain != 1.0 else "0 dB"
