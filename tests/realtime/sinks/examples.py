"""Messages for the tests of the sinks."""

from __future__ import annotations

import numpy as np

from realtime.messages import End, Scene, SceneObject, Streams, VideoFrame

RATE_HZ = 8000
NS_PER_S = 1_000_000_000
ORANGE = (0, 159, 230)
BLUE = (233, 180, 86)


def end(topic):
    return End(stream="test", sequence=10**6, topic=topic)


def streams(samples, first_sample=0, *, gains=None, object_ids=None, capture_ns=None, pans=None):
    samples = np.asarray(samples, dtype=np.float32)
    rows = len(samples)
    if capture_ns is None:
        capture_ns = first_sample * NS_PER_S // RATE_HZ
    return Streams(
        stream="test",
        sequence=first_sample,
        capture_ns=capture_ns,
        first_sample=first_sample,
        rate_hz=RATE_HZ,
        object_ids=tuple(range(1, rows)) if object_ids is None else object_ids,
        samples=samples,
        gains=tuple(gains or [1.0] * rows),
        pans=tuple(pans or [0.0] * rows),
    )


def frame(number=0, height=90, width=160, grey=60, fps=30):
    return VideoFrame(
        stream="test",
        sequence=number,
        capture_ns=number * NS_PER_S // fps,
        pixels=np.full((height, width, 3), grey, dtype=np.uint8),
    )


def scene_object(
    id=1,
    colour=ORANGE,
    box=(0.0, 0.25, 0.25, 0.75),
    *,
    centroid=None,
    level_db=-20.0,
    gain=1.0,
    set_gain=None,
    is_pinned=False,
    name="",
):
    if centroid is None:
        centroid = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    return SceneObject(
        id=id,
        colour=colour,
        box=box,
        centroid=centroid,
        energy_db=-5.0,
        level_db=level_db,
        gain=gain,
        set_gain=(gain or 1.0) if set_gain is None else set_gain,
        is_pinned=is_pinned,
        name=name,
    )


def scene(
    objects=None, *, capture_ns=0, hot=None, soloed=(), muted=(), residual_gain=1.0, cells=None
):
    """`hot`: (row, column) of the grid's hot cells; `cells`: the same per object id."""
    heat = np.full((8, 8), -60.0, dtype=np.float32)
    clusters = np.zeros((8, 8), dtype=np.int16)
    for row, column in hot or ():
        heat[row, column] = -3.0
    for object_id, places in (cells or {}).items():
        for row, column in places:
            clusters[row, column] = object_id
    return Scene(
        stream="test",
        sequence=0,
        capture_ns=capture_ns,
        objects=tuple(objects if objects is not None else [scene_object()]),
        heatmap_db=heat,
        clusters=clusters,
        residual_level_db=-50.0,
        residual_gain=residual_gain,
        soloed=soloed,
        muted=muted,
    )
