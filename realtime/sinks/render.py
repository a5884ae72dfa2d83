"""Draw a scene: the picture with its heat and objects, and the viewer around it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from realtime.messages import Scene, SceneObject
from realtime.picture import (
    SEMIBOLD,
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
from realtime.sinks.paint import (
    BACKGROUND,
    DIM,
    PANEL,
    TEXT,
    UNHEARD,
    WARNING,
    capital_height,
    ink_on,
    shade,
    state_of,
)
from realtime.sinks.panel import draw_panel

HEAT_FLOOR_DB = -24.0  # heat below is not shown: what is silent stays as the camera saw it
HEAT_TOP_DB = -3.0  # heat above is as bright as it gets
_MOST_OPAQUE = 0.78
_HEAT_FINENESS = 8  # points per grid cell before the picture is coloured

Draw: TypeAlias = Callable[[Picture, Scene | None], Picture]


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
    picture: Picture | None,
    scene: Scene | None,
    hud: Hud,
    layout: Layout,
    selected: int | None,
    *,
    draw: Draw = draw_scene,
    caption: str = "",
) -> Picture:
    """The whole viewer as a new BGR array of the layout's size.

    `selected` is the object (0: the residual) that the gain keys act on; `draw` makes the picture
    of the camera's, and `caption` is written into its corner.
    """
    view = np.empty((layout.height, layout.width, 3), dtype=np.uint8)
    fill_box(view, (0, 0, layout.width, layout.height), BACKGROUND)
    x0, y0, x1, y1 = layout.picture
    if picture is not None:
        view[y0:y1, x0:x1] = draw(resized(picture, x1 - x0, y1 - y0), scene)
        _draw_caption(view, caption, layout)
    else:
        _draw_waiting(view, layout)
    draw_panel(view, scene, layout, selected)
    _draw_status(view, hud, layout)
    return view


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
    colour = shade(item.colour, 1.0 if _is_heard(item) else UNHEARD)
    thickness = max(2, round((4 if item.id in scene.soloed else 2.5) * unit))
    cells = scene.clusters == item.id
    if cells.any():
        field = cells.astype(np.float32)
        draw_outline(picture, field, BACKGROUND, thickness + max(1, round(2 * unit)))
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
    colour = shade(item.colour, 1.0 if _is_heard(item) else UNHEARD)
    fill_box(picture, (x0, y0, x0 + tag_width, y0 + tag_height), colour, tag_height // 3)
    baseline = y0 + (tag_height + capital_height(size)) // 2
    draw_text(picture, text, (x0 + pad, baseline), size, ink_on(colour), weight=SEMIBOLD)


def _draw_caption(view: Picture, caption: str, layout: Layout) -> None:
    if not caption:
        return
    x0, _, _, y1 = layout.picture
    size, pad = max(11, layout.px(17)), layout.px(8)
    left, bottom = x0 + pad, y1 - pad
    box = (left, bottom - size - pad, left + text_width(caption, size) + 2 * pad, bottom)
    fill_box(view, box, PANEL, layout.px(5))
    baseline = (box[1] + box[3] + capital_height(size)) // 2
    draw_text(view, caption, (left + pad, baseline), size, TEXT)


def _draw_waiting(view: Picture, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.picture
    fill_box(view, layout.picture, PANEL)
    size = layout.px(20)
    text = "waiting for the picture"
    place = ((x0 + x1 - text_width(text, size)) // 2, (y0 + y1 + capital_height(size)) // 2)
    draw_text(view, text, place, size, DIM)


def _draw_status(view: Picture, hud: Hud, layout: Layout) -> None:
    x0, y0, x1, y1 = layout.status
    fill_box(view, layout.status, BACKGROUND)
    size = max(11, layout.px(17))
    baseline = (y0 + y1 + capital_height(size)) // 2
    gap, between = layout.px(7), layout.px(24)
    left, right = x0 + layout.px(16), x1 - layout.px(16)
    warning = ", ".join(hud.warnings)
    if warning:
        warning_left = right - text_width(warning, size, SEMIBOLD)
        place = (max(warning_left, left), baseline)
        draw_text(view, warning, place, size, WARNING, weight=SEMIBOLD)
        right = warning_left - between
    for value, label in _status_items(hud):
        value_width = text_width(value, size, SEMIBOLD)
        width = value_width + gap + text_width(label, size)
        if left + width > right:
            return
        draw_text(view, value, (left, baseline), size, TEXT, weight=SEMIBOLD)
        draw_text(view, label, (left + value_width + gap, baseline), size, DIM)
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
