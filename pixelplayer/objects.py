"""Sounding objects, as the rest of the project sees them; found and followed by the tracker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSettings:
    """What counts as an object. Cosines are those of :class:`pixelplayer.discovery.Likeness`."""

    count: int | None = None  # None: as many as are found
    most_objects: int = 8  # identities in all: one colour and one stream each
    salience_floor: float = 0.04  # a cell below it is not heard; see pixelplayer.energy
    least_cells: int = 2  # a group of fewer is noise
    least_part: float = 0.15  # of the most salient group; a group of less is noise
    alike: float = 0.8  # least cosine within a new object
    known: float = 0.65  # least cosine with an object already known, which may turn and change
    revived: float = 0.85  # least cosine with an object of long ago
    merged: float = 0.9  # least cosine at which neighbouring objects are one
    unlike: float = 0.4  # a new object differs so much from blends of its neighbours
    noise: float = 0.15  # feature differences below this say nothing; features are in 0..1
    common_quantile: float = 0.25  # as in the energy: what all but a quarter of the cells show
    heart_power: float = 6.0  # how much more an object's salient cells count for its vector
    exclusive_floor: float = 0.015  # least part of the sound that a new object explains best
    explained_floor: float = 0.25  # least part of it that all of the picture explains, for new ones
    reach_cells: int = 2  # a gap of one cell does not split an object
    distance_weight: float = 0.3  # cosine that a step across the whole picture is worth
    evidence_s: float = 0.3  # how long a new object must be heard: a chance is shorter
    vector_s: float = 1.0  # time constant of an object's vector: slow, its mask must be steady
    place_s: float = 0.2  # time constant of its place: quick, it may move
    cells_s: float = 0.5  # time constant of its cells and box: the view must not flicker
    background_s: float = 3.0  # time constant of the background
    persist_s: float = 6.0  # a silent object is kept this long: longer than a musical rest
    unseen_s: float = 2.0  # as long as this where nothing in the picture looks like it
    presence_s: float = 0.15  # an object's mask comes and goes in this time, without a click
    strict_s: float = 2.0  # with too few objects for `count`, how soon ever finer splits are made

    def __post_init__(self) -> None:
        if self.count is not None and not 1 <= self.count <= self.most_objects:
            raise ValueError(f"objects: wanted 1..{self.most_objects} or auto, got {self.count}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackedObject:
    """One object, at one moment.

    ``vector`` float32 ``(K,)`` makes its mask; ``presence`` in 0..1 multiplies the mask, and is 0
    once the object is gone. ``cells`` bool ``(h, w)``; ``centroid`` (x, y) and ``box`` (x0, y0, x1,
    y1) are fractions of the picture. ``energy_db`` is the mean heat of its cells, relative to the
    mixture.
    """

    id: int
    vector: NDArray[np.float32]
    presence: float
    live: bool
    centroid: tuple[float, float]
    box: tuple[float, float, float, float]
    cells: NDArray[np.bool_]
    energy_db: float
    age_s: float
    silent_s: float
    pinned: bool

    @property
    def was_heard(self) -> bool:
        """Whether it has ever sounded; what is pinned need not have."""
        return self.silent_s < self.age_s
