"""What the viewer is shown: the objects in their colours, and the heatmap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pixelplayer.objects import TrackedObject
from realtime.messages import RESIDUAL_ID, SceneObject
from realtime.stages.gains import Gains
from realtime.stages.object_streams import ObjectStreams

# Okabe and Ito's colours, distinct for the colour-blind too, and a light grey; (blue, green, red).
PALETTE = (
    (0, 159, 230),  # orange
    (233, 180, 86),  # sky blue
    (115, 158, 0),  # bluish green
    (66, 228, 240),  # yellow
    (167, 121, 204),  # reddish purple
    (0, 94, 213),  # vermilion
    (178, 114, 0),  # blue
    (200, 200, 200),  # grey
)


def colour_of(object_id: int) -> tuple[int, int, int]:
    """An object's colour (blue, green, red), the same for as long as it has its id."""
    return PALETTE[(object_id - 1) % len(PALETTE)]


def pan_of(item: TrackedObject) -> float:
    """Where an object stands: -1 at the picture's left edge, 1 at its right."""
    return 2 * item.centroid[0] - 1


def scene_objects(
    objects: Sequence[TrackedObject],
    streams: ObjectStreams,
    gains: Gains,
    names: Mapping[int, str],
) -> tuple[SceneObject, ...]:
    """The live objects, as shown; ``names`` by id, of those that have one."""
    return tuple(
        SceneObject(
            id=item.id,
            colour=colour_of(item.id),
            box=item.box,
            centroid=item.centroid,
            energy_db=item.energy_db,
            level_db=streams.level_dbfs(item.id),
            gain=gains.effective(item.id),
            set_gain=gains.level(item.id),
            is_pinned=item.pinned,
            name=names.get(item.id, ""),
        )
        for item in objects
        if item.live and item.id != RESIDUAL_ID
    )


def clusters(objects: Sequence[TrackedObject], heat_shape: tuple[int, ...]) -> NDArray[np.int16]:
    """Which object each cell belongs to, 0 for none: int16 ``(h, w)``; the loudest one on top."""
    owner = np.zeros(heat_shape, np.int16)
    for item in sorted(objects, key=lambda item: item.energy_db):
        if item.live:
            owner[item.cells] = item.id
    return owner
