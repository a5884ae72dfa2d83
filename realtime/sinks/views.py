"""The paper's three pictures, live: what pixels sound, how loud, and which sound alike. Pure.

Each is drawn over the camera's picture, which is left grey and dim: what glows, sounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from pixelplayer.bands import STEP_DB, Floats, to_levels
from realtime.messages import Scene
from realtime.picture import Picture, blended, greyed, heat_colours, resized, spread
from realtime.sinks.pixel_history import PixelHistory
from realtime.sinks.scene_layer import HEAT_FLOOR_DB, HEAT_TOP_DB, draw_scene
from realtime.spectra import PixelSpectra
from realtime.wishes import Wish

View: TypeAlias = Literal["objects", "sounds", "energy", "clusters"]
VIEWS: tuple[View, ...] = get_args(View)
NEEDS: Mapping[View, tuple[Wish, ...]] = MappingProxyType(
    {"objects": (), "sounds": ("pixels",), "energy": (), "clusters": ("pixels",)}
)
"""The spectra that each is made of; the others are made of the scene."""

SOUND_RANGE_DB = 33.0  # below the loudest band of any pixel: dark
_SOFTEST = int(to_levels(np.array([1e-7], np.float32))[0])  # -70 dB; the loudest is no softer
_DIM = 0.45  # of the camera's picture
_MOST_OPAQUE = 0.8  # what sounds is seen through its glow
_FINENESS = 8  # points per cell before anything is coloured
_WHOLE_DISC = 0.45  # a place so far out has a full colour
# A ring of one lightness in OKLab (Ottosson, 2020), from orange, opposite of which is blue: these
# two are told apart by nearly all of the colour-blind.
_LIGHTNESS, _CHROMA, _FIRST_HUE = 0.76, 0.13, np.deg2rad(62)


class Views:
    """Draws each view of what has been taken so far."""

    def __init__(self) -> None:
        self._pixels = PixelHistory()
        self._taken = 0
        self._sounds: tuple[Picture, Picture] | None = None  # light, and what is left of the rest
        self._drawn = (0, 0, 0)  # at which spectra, and in which size

    def feed(self, message: PixelSpectra) -> None:
        """Take what the pixels sound, in order."""
        self._pixels.feed(message)
        self._taken += 1

    def draw(self, view: View, picture: Picture, scene: Scene | None) -> Picture:
        """The picture as this view shows it: a new BGR array of the same size."""
        if view == "objects":
            return draw_scene(picture, scene)
        dim = greyed(picture, _DIM)
        if view == "sounds":
            return self._with_sounds(dim)
        if scene is None:
            return dim
        if view == "energy":
            return _with_energy(dim, scene.heatmap_db)
        places = self._pixels.places()
        return dim if places is None else _with_clusters(dim, scene.heatmap_db, places)

    def _with_sounds(self, dim: Picture) -> Picture:
        height, width = dim.shape[:2]
        # Pictures come more often than spectra.
        if self._drawn != (self._taken, height, width):
            self._drawn = (self._taken, height, width)
            levels = self._pixels.levels()
            self._sounds = None if levels is None else _sounds(levels, height, width)
        return dim if self._sounds is None else blended(dim, *self._sounds)


def colours_of(places: Floats) -> Floats:
    """Places on the disc ``(..., 2)`` as BGR 0..255: a hue for each side, grey in the middle."""
    x, y = places[..., 0], places[..., 1]
    chroma = _CHROMA * np.minimum(np.hypot(x, y) / _WHOLE_DISC, 1)
    hue = np.arctan2(y, x) + _FIRST_HUE
    return _bgr_of_oklab(_LIGHTNESS, chroma * np.cos(hue), chroma * np.sin(hue))


def _with_energy(dim: Picture, heatmap_db: Floats) -> Picture:
    level = _fine(_level(heatmap_db))
    colours = heat_colours()[np.round(255 * level).astype(np.uint8)]
    return _laid_over(dim, colours.astype(np.float32), level)


def _with_clusters(dim: Picture, heatmap_db: Floats, places: Floats) -> Picture:
    if places.shape[:2] != heatmap_db.shape:
        return dim  # the scene is already that of another grid
    level = _level(heatmap_db)
    # Colours count as they are loud: those of silent cells do not run into others.
    colours = _fine(colours_of(places) * level[..., np.newaxis])
    opaque = _fine(level)
    colours /= np.maximum(opaque, np.float32(1e-3))[..., np.newaxis]
    return _laid_over(dim, colours, opaque)


def _sounds(levels: NDArray[np.uint8], height: int, width: int) -> tuple[Picture, Picture]:
    """The light of all spectrograms, and what they leave of the picture under them."""
    rows, columns, bands, times = levels.shape
    # A line between the pixels; high tones are at the top.
    tiles = np.zeros((rows, bands + 2, columns, times + 2), np.uint8)
    tiles[:, 1:-1, :, 1:-1] = levels[:, :, ::-1].transpose(0, 2, 1, 3)
    whole = tiles.reshape(rows * (bands + 2), columns * (times + 2))
    light, keep = _sound_colours(max(int(levels.max()), _SOFTEST))
    return resized(light[whole], width, height), resized(keep[whole], width, height)


def _sound_colours(top: int) -> tuple[Picture, Picture]:
    """Of each level ``(256, 3)`` its light, and what it leaves of the picture; ``top`` shines."""
    shown = (np.arange(256) - top) * (STEP_DB / SOUND_RANGE_DB) + 1
    shown = np.clip(shown, 0, 1)
    opaque = np.sqrt(shown)[:, np.newaxis]
    light = heat_colours()[np.round(255 * shown).astype(np.uint8)] * opaque
    keep = np.repeat(255 * (1 - opaque), 3, axis=1)
    return np.round(light).astype(np.uint8), np.round(keep).astype(np.uint8)


def _level(heatmap_db: Floats) -> Floats:
    """Heat as 0..1."""
    level = np.clip((heatmap_db - HEAT_FLOOR_DB) / (HEAT_TOP_DB - HEAT_FLOOR_DB), 0, 1)
    found: Floats = np.nan_to_num(level).astype(np.float32)
    return found


def _fine(grid: Floats) -> Floats:
    return spread(grid, grid.shape[1] * _FINENESS, grid.shape[0] * _FINENESS)


def _laid_over(dim: Picture, colours: Floats, opaque: Floats) -> Picture:
    """Colours ``(h, w, 3)`` over the picture, as opaque as ``(h, w)`` in 0..1, of any size."""
    height, width = dim.shape[:2]
    opaque = np.float32(_MOST_OPAQUE) * opaque * opaque * (3 - 2 * opaque)
    light = np.round(colours * opaque[..., np.newaxis]).astype(np.uint8)
    keep = np.round(255 * (1 - opaque)).astype(np.uint8)
    keeps = np.repeat(keep[..., np.newaxis], 3, axis=2)
    return blended(dim, resized(light, width, height), resized(keeps, width, height))


def _bgr_of_oklab(lightness: float, a: Floats, b: Floats) -> Floats:
    """OKLab to sRGB as BGR, 0..255."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        ],
        axis=-1,
    )
    linear = np.clip(linear, 0, 1)
    curved = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(linear, 1 / 2.4) - 0.055
    )
    found: Floats = (255 * curved).astype(np.float32)
    return found
