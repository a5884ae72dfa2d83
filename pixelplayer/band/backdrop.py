"""The stage behind the band: everything in the picture that makes no sound."""

from __future__ import annotations

import numpy as np

from pixelplayer.band.canvas import Colour, Picture, blurred, box, polygon, resized

_WALLS: tuple[Colour, ...] = (
    (96, 70, 58), (70, 62, 92), (84, 92, 62), (60, 74, 104), (104, 100, 96), (52, 44, 44),
    (150, 160, 168),
)  # fmt: skip
_CURTAINS: tuple[Colour, ...] = ((34, 26, 120), (96, 52, 30), (60, 80, 36), (90, 34, 78))
_FLOORS: tuple[Colour, ...] = ((58, 84, 122), (44, 60, 84), (84, 96, 108), (36, 40, 48))
_PAINTED_HEIGHT = 270  # the stage is soft: painted at this height and enlarged


def backdrop(height: int, width: int, seed: int) -> Picture:
    """An empty stage, uint8 ``(height, width, 3)`` BGR: wall, curtains, floor, light, clutter.

    Raises ``ValueError`` on a picture smaller than 16 pixels.
    """
    if min(height, width) < 16:
        raise ValueError(f"a stage needs 16 pixels or more each way, got {width} x {height}")
    rng = np.random.default_rng([seed, 0x57A6E])
    rows = _PAINTED_HEIGHT
    columns = max(16, round(rows * width / height))
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    y, x = y / rows, x / columns
    horizon = float(rng.uniform(0.68, 0.82))
    wall = np.array(_pick(rng, _WALLS), dtype=np.float32)
    floor = np.array(_pick(rng, _FLOORS), dtype=np.float32)
    picture = np.where(
        (y < horizon)[..., None],
        wall * (0.75 + 0.35 * y[..., None]),
        floor * (0.65 + 0.9 * (y[..., None] - horizon)) * _planks(rng, x, y, horizon)[..., None],
    )
    canvas = np.clip(picture, 0.0, 255.0).astype(np.uint8)
    _clutter(rng, canvas, horizon)
    light = _light(rng, x, y)
    curtain = np.array(_pick(rng, _CURTAINS), dtype=np.float32)
    reach = float(rng.uniform(0.0, 0.14))
    folds = 0.75 + 0.35 * np.sin(x * float(rng.uniform(120.0, 220.0)) + 2.0 * np.sin(3.0 * y))
    edge = reach * (1.0 + 0.15 * np.sin(5.0 * y))
    hung = ((x < edge) | (x > 1.0 - edge)) & (y < horizon + 0.08)
    lit = np.where(hung[..., None], curtain * folds[..., None], canvas.astype(np.float32))
    lit = blurred(np.asarray(lit * light[..., None], dtype=np.float32), 0.8)
    grain = rng.normal(0.0, 1.2, lit.shape[:2])[..., None]
    return resized(np.clip(lit + grain, 0.0, 255.0).astype(np.uint8), height, width)


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[int(rng.integers(len(colours)))]


def _planks(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, horizon: float) -> np.ndarray:
    """Floor boards that run towards a vanishing point; a factor around 1."""
    depth = np.maximum(y - horizon + 0.25, 0.05)
    board = np.floor((x - 0.5) / depth * float(rng.uniform(4.0, 8.0)))
    return np.asarray(1.0 + 0.07 * np.sin(board * 12.9898), dtype=np.float32)


def _light(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A spotlight or two on a darker stage; a factor."""
    light = np.full(x.shape, float(rng.uniform(0.62, 0.85)), dtype=np.float32)
    for _ in range(int(rng.integers(1, 3))):
        spot_x, spot_y = rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.6)
        size = rng.uniform(0.05, 0.16)
        near = np.exp(-((x - spot_x) ** 2 + 0.7 * (y - spot_y) ** 2) / size)
        light += float(rng.uniform(0.2, 0.45)) * near.astype(np.float32)
    return light


def _clutter(rng: np.random.Generator, picture: Picture, horizon: float) -> None:
    """Music stands, loudspeaker boxes and frames on the wall, drawn in place."""
    for _ in range(int(rng.integers(0, 3))):
        x, y = float(rng.uniform(0.05, 0.85)), float(rng.uniform(0.05, 0.3))
        w, h = float(rng.uniform(0.06, 0.13)), float(rng.uniform(0.1, 0.2))
        polygon(picture, box(x, y, x + w, y + h), (40, 46, 52))
        shade = tuple(int(v) for v in rng.integers(60, 170, 3))
        inside = box(x + 0.008, y + 0.014, x + w - 0.008, y + h - 0.014)
        polygon(picture, inside, (shade[0], shade[1], shade[2]))
    for _ in range(int(rng.integers(0, 3))):
        x, size = float(rng.uniform(0.02, 0.88)), float(rng.uniform(0.07, 0.11))
        top = horizon - float(rng.uniform(0.08, 0.22))
        polygon(picture, box(x, top, x + size, horizon + 0.05), (34, 32, 32))
        inside = box(x + 0.01, top + 0.02, x + size - 0.01, horizon + 0.03)
        polygon(picture, inside, (50, 47, 46))
    for _ in range(int(rng.integers(0, 3))):
        x, top = float(rng.uniform(0.1, 0.9)), horizon - float(rng.uniform(0.15, 0.25))
        polygon(picture, box(x - 0.004, top, x + 0.004, horizon + 0.12), (46, 44, 44))
        desk = np.array([(x - 0.05, top - 0.09), (x + 0.05, top - 0.07), (x + 0.045, top + 0.03),
                         (x - 0.055, top + 0.01)])  # fmt: skip
        polygon(picture, desk, (58, 54, 52))
        polygon(picture, (desk - (x, top - 0.03)) * 0.72 + (x, top - 0.03), (196, 206, 210))
