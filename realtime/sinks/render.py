"""Draw the viewer: the picture with its scene, the panel and the status line. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from realtime.messages import Scene
from realtime.picture import (
    SEMIBOLD,
    Picture,
    draw_text,
    fill_box,
    resized,
    text_width,
)
from realtime.sinks.hud import Hud
from realtime.sinks.layout import Layout
from realtime.sinks.paint import BACKGROUND, DIM, PANEL, TEXT, WARNING, capital_height
from realtime.sinks.panel import draw_panel
from realtime.sinks.scene_layer import draw_scene

Draw: TypeAlias = Callable[[Picture, Scene | None], Picture]


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
    items += [(str(count), what) for count, what in hud.lost]
    if hud.engines:
        items.append((hud.engines, "engine" if "+" not in hud.engines else "engines"))
    if hud.causes_ms:
        causes = " + ".join(f"{value:.0f} {name}" for name, value in hud.causes_ms if value >= 0.5)
        items.append(("ms", f"= {causes}"))
    return items
