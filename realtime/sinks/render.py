"""Draw a scene: the picture with its heat and objects, and the viewer around it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.messages import RESIDUAL_ID, Scene, SceneObject
from realtime.picture import (
    REGULAR,
    SEMIBOLD,
    Colour,
    Picture,
    blended,
    draw_box,
    draw_outline,
    draw_text,
    fill_box,
    heat_colours,
    resized,
    smoothed,
    text_width,
)
from realtime.sinks.hud import Hud
from realtime.sinks.layout import Box, Layout

HEAT_FLOOR_DB = -24.0  # heat below is not shown: what is silent stays as the camera saw it
HEAT_TOP_DB = -3.0  # heat above is as bright as it gets
LEVEL_FLOOR_DBFS = -60.0  # an empty bar
_MOST_OPAQUE = 0.78
_HEAT_FINENESS = 8  # points per grid cell before the picture is coloured

RESIDUAL_COLOUR: Colour = (190, 184, 180)
_BACKGROUND: Colour = (19, 17, 16)
_PANEL: Colour = (32, 29, 27)
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


def draw_scene(picture: Picture, scene: Scene | None) -> Picture:
    """The picture with heat, outlines and tags, as a new BGR array of the same size."""
    if scene is None:
        return np.array(picture)
    shown = _with_heat(picture, scene.heatmap_db)
    unit = min(max(min(picture.shape[:2]) / 640.0, 0.5), 2.5)
    for item in scene.objects:
        _draw_object(shown, item, scene, unit)
    # Tags last: no outline may cross one.
    for item in scene.objects:
        _draw_tag(shown, item, scene, unit)
    return shown


def draw_view(
    picture: Picture | None, scene: Scene | None, hud: Hud, layout: Layout, selected: int | None
) -> Picture:
    """The whole viewer as a new BGR array of the layout's size.

    `selected` is the object (0: the residual) that the gain keys act on.
    """
    view = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    fill_box(view, (0, 0, layout.width, layout.height), _BACKGROUND)
    x0, y0, x1, y1 = layout.picture
    if picture is not None:
        view[y0:y1, x0:x1] = draw_scene(resized(picture, x1 - x0, y1 - y0), scene)
    else:
        _draw_waiting(view, layout)
    _draw_panel(view, scene, layout, selected)
    _draw_status(view, hud, layout)
    return view


def state_of(scene: Scene, object_id: int, gain: float) -> str:
    """`solo`, `muted`, `off` (others are soloed), or nothing when it is simply heard."""
    if object_id in scene.soloed:
        return "solo"
    if gain > 0.0:
        return ""
    return "off" if scene.soloed else "muted"


def _with_heat(picture: Picture, heatmap_db: NDArray[np.float32]) -> Picture:
    rows, columns = heatmap_db.shape
    height, width = picture.shape[:2]
    level = (heatmap_db - HEAT_FLOOR_DB) / (HEAT_TOP_DB - HEAT_FLOOR_DB)
    level = np.nan_to_num(np.clip(level, 0.0, 1.0)).astype(np.float32)
    fine_size = (columns * _HEAT_FINENESS, rows * _HEAT_FINENESS)
    level = np.clip(smoothed(level, *fine_size), 0.0, 1.0)
    opaque = _MOST_OPAQUE * level * level * (3.0 - 2.0 * level)
    # The darkest colours of the map would only dirty the picture: heat starts where it glows.
    colours = heat_colours()[np.round(60.0 + 190.0 * level).astype(np.uint8)]
    light = np.round(colours * opaque[..., None]).astype(np.uint8)
    keep = np.round(255.0 * (1.0 - opaque)).astype(np.uint8)
    keep = np.repeat(keep[..., None], 3, axis=2)
    lights, keeps = resized(light, width, height), resized(keep, width, height)
    return blended(picture, lights, keeps)


def _pixels(item: SceneObject, width: int, height: int) -> Box:
    x0, y0, x1, y1 = item.box
    return round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)


def _is_heard(item: SceneObject) -> bool:
    return item.gain > 0.0


def _draw_object(picture: Picture, item: SceneObject, scene: Scene, unit: float) -> None:
    height, width = picture.shape[:2]
    colour = _shade(item.colour, 1.0 if _is_heard(item) else 0.45)
    thickness = max(2, round((4 if item.id in scene.soloed else 2.5) * unit))
    cells = scene.clusters == item.id
    if cells.any():
        field = cells.astype(np.float32)
        draw_outline(picture, field, _BACKGROUND, thickness + max(1, round(2 * unit)))
        draw_outline(picture, field, colour, thickness)
    else:
        draw_box(picture, _pixels(item, width, height), colour, thickness, round(10 * unit))


def _draw_tag(picture: Picture, item: SceneObject, scene: Scene, unit: float) -> None:
    height, width = picture.shape[:2]
    box = _pixels(item, width, height)
    size = max(11, round(21 * unit))
    state = state_of(scene, item.id, item.gain)
    text = f"{item.id} {state}" if state in ("solo", "muted") else str(item.id)
    pad = max(4, round(0.45 * size))
    tag_width = text_width(text, size, SEMIBOLD) + 2 * pad
    tag_height = size + pad
    x0 = min(max(box[0], 2), max(width - tag_width - 2, 0))
    y0 = min(max(box[1] - tag_height // 2, 2), max(height - tag_height - 2, 0))
    colour = _shade(item.colour, 1.0 if _is_heard(item) else 0.45)
    fill_box(picture, (x0, y0, x0 + tag_width, y0 + tag_height), colour, tag_height // 3)
    baseline = y0 + (tag_height + _capital(size)) // 2
    draw_text(picture, text, (x0 + pad, baseline), size, _ink(colour), weight=SEMIBOLD)


def _draw_waiting(view: Picture, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.picture
    fill_box(view, layout.picture, _PANEL)
    size = layout.px(20)
    text = "waiting for the picture"
    place = ((x0 + x1 - text_width(text, size)) // 2, (y0 + y1 + _capital(size)) // 2)
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
    fill_box(view, layout.panel, _PANEL)
    strips = _strips(scene)
    boxes = layout.strips(max(len(strips), 1))
    for strip, box in zip(strips, boxes, strict=False):
        _draw_strip(view, strip, box, layout, is_selected=strip.id == selected)
    if not strips:
        size = layout.px(18)
        place = (boxes[0][0], boxes[0][1] + _capital(size))
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
    colour = _shade(strip.colour, 1.0 if is_heard else 0.45)
    if is_selected:
        around = layout.px(8)
        fill_box(
            view,
            (left - around, top - around // 2, right + around, bottom - around),
            _shade(_GROOVE, 0.82),
            layout.px(8),
        )
    chip = _capital(size) + 2
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
        draw_text(view, key, (x, y), size, _DIM, weight=SEMIBOLD)
        draw_text(view, meaning, (x + key_width, y), size, _DIM)


def _draw_status(view: Picture, hud: Hud, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.status
    fill_box(view, layout.status, _BACKGROUND)
    size = max(11, layout.px(17))
    baseline = (y0 + y1 + _capital(size)) // 2
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


def _capital(size_px: int) -> int:
    """The height of a capital letter."""
    return round(0.7 * size_px)


def _shade(colour: Colour, share: float) -> Colour:
    """The colour mixed with the panel's, `share` of it."""
    blue, green, red = (
        round(share * part + (1.0 - share) * dark)
        for part, dark in zip(colour, _PANEL, strict=True)
    )
    return blue, green, red


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever reads better on `colour`."""
    blue, green, red = colour
    lightness = 0.114 * blue + 0.587 * green + 0.299 * red
    return (20, 18, 16) if lightness > 120 else (250, 250, 250)
