"""Where the parts of a panel's row stand, and what gain a place of its fader means. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from realtime.messages import RESIDUAL_ID, Scene
from realtime.sinks.layout import Box, Layout

RowPart: TypeAlias = Literal["chip", "fader", "name"]

LEAST_DB, MOST_DB = -40.0, 18.0  # ends of the fader; at the lower one nothing is heard
MOST_GAIN = 8.0
_SNAP_DB = 1.0  # so near to 0 dB a hand means 0 dB


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: a chip, a name and a state; below them a line of level and gain, and its number.

    ``fader`` is None where there is no room for a second line.
    """

    box: Box
    text_px: int
    baseline: int
    chip: Box
    fader: Box | None
    value_px: int  # of the number behind the fader


def row_of(box: Box, layout: Layout) -> Row:
    """The parts of the row that has ``box``."""
    left, top, right, bottom = box
    text_px = max(11, min(layout.px(19), (bottom - top) // 3))
    value_px = max(11, round(0.85 * text_px))
    baseline = top + text_px + layout.px(2)
    chip_px = round(0.7 * text_px) + 2
    fader_top = baseline + layout.px(12)
    fader: Box | None = (left, fader_top, right - round(4.5 * value_px), fader_top + layout.px(9))
    if fader_top + max(value_px, layout.px(9)) - layout.px(4) > bottom:
        fader = None
    return Row(
        box=box,
        text_px=text_px,
        baseline=baseline,
        chip=(left, baseline - chip_px + 1, left + chip_px, baseline + 1),
        fader=fader,
        value_px=value_px,
    )


def row_at(scene: Scene, layout: Layout, x: int, y: int) -> tuple[int, RowPart] | None:
    """The object whose row is at a point of the view (pixels), 0: the residual; and the part."""
    ids = [*sorted(item.id for item in scene.objects), RESIDUAL_ID]
    for object_id, box in zip(ids, layout.strips(len(ids)), strict=True):
        x0, y0, x1, y1 = box
        if not (x0 <= x < x1 and y0 <= y < y1):
            continue
        row = row_of(box, layout)
        # A hand is less exact than a line is thin: all of the lower half is the fader's.
        around = layout.px(4)
        if row.fader is not None and y > row.baseline + around and x < row.fader[2] + around:
            return object_id, "fader"
        return object_id, "chip" if x < row.chip[2] + around else "name"
    return None


def fader_of(scene: Scene, layout: Layout, object_id: int) -> Box | None:
    """Where the object's fader is, if it has one."""
    ids = [*sorted(item.id for item in scene.objects), RESIDUAL_ID]
    if object_id not in ids:
        return None
    return row_of(layout.strips(len(ids))[ids.index(object_id)], layout).fader


def in_db(gain: float) -> float:
    """A linear gain as the fader has it."""
    return min(max(20.0 * math.log10(gain), LEAST_DB), MOST_DB) if gain > 0.0 else LEAST_DB


def in_linear(gain_db: float) -> float:
    """The gain at a place of the fader; nothing is heard at its lower end."""
    return 0.0 if gain_db <= LEAST_DB else min(10.0 ** (gain_db / 20.0), MOST_GAIN)


def knob_x(fader: Box, gain: float) -> int:
    """Where on the fader the gain is, in pixels of the view."""
    share = (in_db(gain) - LEAST_DB) / (MOST_DB - LEAST_DB)
    return fader[0] + round(share * (fader[2] - fader[0]))


def gain_at(fader: Box, x: int) -> float:
    """The gain at a place of the fader; beyond its ends that of the end."""
    share = min(max((x - fader[0]) / (fader[2] - fader[0]), 0.0), 1.0)
    gain_db = LEAST_DB + share * (MOST_DB - LEAST_DB)
    return 1.0 if abs(gain_db) <= _SNAP_DB else in_linear(gain_db)
