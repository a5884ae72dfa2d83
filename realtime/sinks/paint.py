"""What the viewer's parts share: colours, and how the heard differs from the muted. Pure."""

from __future__ import annotations

from realtime.messages import Scene
from realtime.picture import Colour

RESIDUAL_COLOUR: Colour = (190, 184, 180)
BACKGROUND: Colour = (19, 17, 16)
PANEL: Colour = (32, 29, 27)
GROOVE: Colour = (56, 52, 49)
TEXT: Colour = (238, 235, 232)
DIM: Colour = (160, 154, 149)
WARNING: Colour = (70, 176, 250)
UNHEARD = 0.6  # of its colour: seen as muted, and still told from the others


def state_of(scene: Scene, object_id: int) -> str:
    """`solo`, `muted`, `off` (others are soloed), or nothing when it is simply heard."""
    if object_id in scene.soloed:
        return "solo"
    if object_id in scene.muted:
        return "muted"
    return "off" if scene.soloed else ""


def capital_height(size_px: int) -> int:
    """The height of a capital letter."""
    return round(0.7 * size_px)


def shade(colour: Colour, share: float) -> Colour:
    """The colour mixed with the panel's, `share` of it."""
    blue, green, red = (
        round(share * part + (1.0 - share) * dark) for part, dark in zip(colour, PANEL, strict=True)
    )
    return blue, green, red


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on `colour`."""
    blue, green, red = colour
    lightness = 0.114 * blue + 0.587 * green + 0.299 * red
    return (20, 18, 16) if lightness > 120 else (250, 250, 250)
