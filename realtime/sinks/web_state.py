"""What the page is told of objects, delays and rates, as plain values. Pure."""

from __future__ import annotations

import math
from typing import Any

from realtime.messages import RESIDUAL_ID, Scene
from realtime.picture import Colour
from realtime.sinks.hud import Hud
from realtime.sinks.paint import RESIDUAL_COLOUR, state_of
from realtime.sinks.panel import LEVEL_FLOOR_DBFS


def plain_objects(scene: Scene) -> list[dict[str, Any]]:
    """A row per object, and one for the residual, last. Levels are dBFS, silence is the floor.

    ``gain`` is linear, as it was set: whether it is heard is its ``state``.
    """
    rows = [
        {"id": item.id, "name": item.name, "colour": _css(item.colour)}
        | _heard(scene, item.id, item.level_db, item.set_gain, is_pinned=item.is_pinned)
        for item in sorted(scene.objects, key=lambda item: item.id)
    ]
    rest = {"id": RESIDUAL_ID, "name": "", "colour": _css(RESIDUAL_COLOUR)}
    level_db, gain = scene.residual_level_db, scene.residual_set_gain
    return [*rows, rest | _heard(scene, RESIDUAL_ID, level_db, gain, is_pinned=False)]


def plain_numbers(hud: Hud) -> dict[str, Any]:
    """The status line's numbers, rounded to what a person reads; None is what is not known."""
    return {
        "latency_ms": _rounded(hud.latency_ms, 0),
        "causes_ms": [[name, _rounded(value, 0)] for name, value in hud.causes_ms],
        "masks_per_s": _rounded(hud.masks_per_s, 1),
        "frames_per_s": _rounded(hud.frames_per_s, 0),
        "sound_early_ms": _rounded(hud.sound_early_ms, 0),
        "lost": [f"{count} {what}" for count, what in hud.lost],
        "engines": hud.engines,
        "warnings": list(hud.warnings),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _css(colour: Colour) -> str:
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


def _heard(
    scene: Scene, object_id: int, level_db: float, gain: float, *, is_pinned: bool
) -> dict[str, Any]:
    return {
        "level_db": round(max(level_db, LEVEL_FLOOR_DBFS), 1),
        "gain": gain,
        "state": state_of(scene, object_id),
        "is_pinned": is_pinned,
    }
