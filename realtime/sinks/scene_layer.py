"""What a scene lays over a picture: heat, outlines, tags. Pure.

Pictures come three times as often as scenes. All that a scene shows is therefore drawn once, as
light to add and as how much of the picture to keep; laid over a picture it is as if drawn there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from realtime.messages import Scene, SceneObject
from realtime.picture import (
    SEMIBOLD,
    Colour,
    Picture,
    blended,
    draw_paths,
    draw_text,
    fill_box,
    heat_colours,
    in_colours,
    outlines,
    resized,
    rounded_box,
    smoothed,
    text_width,
)
from realtime.sinks.layout import Box
from realtime.sinks.paint import BACKGROUND, UNHEARD, capital_height, ink_on, shade, state_of

HEAT_FLOOR_DB = -24.0  # heat below is not shown: what is silent stays as the camera saw it
HEAT_TOP_DB = -3.0  # heat above is as bright as it gets
_MOST_OPAQUE = 0.78
_HEAT_FINENESS = 8  # points per grid cell before the picture is coloured

_NOTHING: Colour = (0, 0, 0)

_Ink: TypeAlias = Callable[[Colour], Colour]
_Paths: TypeAlias = list[NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class SceneLayer:
    """``light`` to add and how much of a picture to ``keep``, of 255: uint8 ``(h, w, 3)``, BGR."""

    light: Picture
    keep: Picture

    def fits(self, picture: Picture) -> bool:
        """Whether it was made for pictures of this size."""
        return picture.shape == self.light.shape

    def over(self, picture: Picture) -> Picture:
        """The picture ``(h, w, 3)`` with the layer on it, as a new array."""
        return blended(picture, self.light, self.keep)


def scene_layer(scene: Scene, width: int, height: int) -> SceneLayer:
    """Heat, outlines and tags for pictures of width x height."""
    layer, paths = _heat_layer(scene.heatmap_db, width, height), _paths(scene, width, height)
    _draw_objects(layer.light, scene, paths, lambda colour: colour)
    _draw_objects(layer.keep, scene, paths, lambda _: _NOTHING)  # nothing is seen through them
    return layer


def draw_scene(picture: Picture, scene: Scene | None) -> Picture:
    """The picture with heat, outlines and tags, as a new BGR array of the same size.

    For one picture it is quicker than a layer of its own.
    """
    if scene is None:
        return np.array(picture)
    height, width = picture.shape[:2]
    shown = _heat_layer(scene.heatmap_db, width, height).over(picture)
    _draw_objects(shown, scene, _paths(scene, width, height), lambda colour: colour)
    return shown


def _heat_layer(heatmap_db: NDArray[np.float32], width: int, height: int) -> SceneLayer:
    rows, columns = heatmap_db.shape
    level = (heatmap_db - HEAT_FLOOR_DB) / (HEAT_TOP_DB - HEAT_FLOOR_DB)
    level = np.nan_to_num(np.clip(level, 0.0, 1.0)).astype(np.float32)
    fine_size = (columns * _HEAT_FINENESS, rows * _HEAT_FINENESS)
    level = np.clip(smoothed(level, *fine_size), 0.0, 1.0)
    opaque = _MOST_OPAQUE * level * level * (3.0 - 2.0 * level)
    # The darkest colours of the map would only dirty the picture: heat starts where it glows.
    colours = heat_colours()[np.round(60.0 + 190.0 * level).astype(np.uint8)]
    light = np.round(colours * opaque[..., None]).astype(np.uint8)
    keep = np.round(255.0 * (1.0 - opaque)).astype(np.uint8)
    return SceneLayer(resized(light, width, height), in_colours(resized(keep, width, height)))


def _unit(width: int, height: int) -> float:
    """How large lines and letters are in pictures of that size."""
    return min(max(min(width, height) / 640.0, 0.5), 2.5)


def _paths(scene: Scene, width: int, height: int) -> list[_Paths]:
    """Around the cells of each object, or its box where it has none."""
    return [_paths_of(item, scene, width, height) for item in scene.objects]


def _paths_of(item: SceneObject, scene: Scene, width: int, height: int) -> _Paths:
    cells = scene.clusters == item.id
    if cells.any():
        return outlines(cells.astype(np.float32), width, height)
    corner = round(10 * _unit(width, height))
    return [rounded_box(_pixels(item, width, height), corner)]


def _draw_objects(picture: Picture, scene: Scene, paths: Sequence[_Paths], ink: _Ink) -> None:
    """``ink`` says what a colour becomes."""
    height, width = picture.shape[:2]
    unit = _unit(width, height)
    for item, around in zip(scene.objects, paths, strict=True):
        _draw_object(picture, item, around, scene, unit, ink)
    # Tags last: no outline may cross one.
    for item in scene.objects:
        _draw_tag(picture, item, scene, unit, ink)


def _pixels(item: SceneObject, width: int, height: int) -> Box:
    x0, y0, x1, y1 = item.box
    return round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)


def _is_heard(item: SceneObject) -> bool:
    return item.gain > 0.0


def _draw_object(  # noqa: PLR0917  a picture, an object, a look
    picture: Picture, item: SceneObject, around: _Paths, scene: Scene, unit: float, ink: _Ink
) -> None:
    colour = ink(shade(item.colour, 1.0 if _is_heard(item) else UNHEARD))
    thickness = max(2, round((4 if item.id in scene.soloed else 2.5) * unit))
    if (scene.clusters == item.id).any():
        draw_paths(picture, around, ink(BACKGROUND), thickness + max(1, round(2 * unit)))
    draw_paths(picture, around, colour, thickness)


def _draw_tag(picture: Picture, item: SceneObject, scene: Scene, unit: float, ink: _Ink) -> None:
    height, width = picture.shape[:2]
    box = _pixels(item, width, height)
    size = max(11, round(21 * unit))
    state = state_of(scene, item.id)
    text = f"{item.id} {state}" if state in ("solo", "muted") else str(item.id)
    pad = max(4, round(0.45 * size))
    tag_width = text_width(text, size, SEMIBOLD) + 2 * pad
    tag_height = size + pad
    x0 = min(max(box[0], 2), max(width - tag_width - 2, 0))
    y0 = min(max(box[1] - tag_height // 2, 2), max(height - tag_height - 2, 0))
    colour = shade(item.colour, 1.0 if _is_heard(item) else UNHEARD)
    fill_box(picture, (x0, y0, x0 + tag_width, y0 + tag_height), ink(colour), tag_height // 3)
    baseline = y0 + (tag_height + capital_height(size)) // 2
    place = (x0 + pad, baseline)
    draw_text(picture, text, place, size, ink(ink_on(colour)), weight=SEMIBOLD)
