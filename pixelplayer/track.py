"""One object as it is followed: where it is, what it looks like, how long it has been heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pixelplayer.discovery import Cells, Floats, Grid, heart
from pixelplayer.energy import Heat
from pixelplayer.objects import ObjectSettings, TrackedObject

CANDIDATE = 0  # the id of an object that has none yet
_SOLID = 0.4  # a cell belongs to an object that has held it for this part of the time


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moment:
    """What is seen and heard in one step; ``cells`` float32 ``(n, K)``, the rest as in ``Heat``."""

    cells: Floats
    salience: Floats  # (n,)
    heard: Cells  # (n,)
    heat: Heat
    duration_s: float

    @classmethod
    def of(cls, features: Floats, heat: Heat, salience_floor: float, duration_s: float) -> Moment:
        """From feature maps ``(K, h, w)`` and their heat."""
        salience = heat.salience.reshape(-1)
        return cls(
            cells=np.ascontiguousarray(features.reshape(len(features), -1).T),
            salience=salience,
            heard=salience >= salience_floor,
            heat=heat,
            duration_s=duration_s,
        )

    def vector_of(self, claim: Cells, power: float) -> Floats:
        """What the claimed cells look like, ``(K,)``."""
        return heart(self.salience, claim, power) @ self.cells[claim]

    def mask_of(self, claim: Cells) -> Floats:
        """The mask of the claimed cells, ``(F,)``; 0 if there are none."""
        if not claim.any():
            return np.zeros_like(self.heat.amplitude)
        return heart(self.salience, claim, 1.0) @ self.heat.masks[claim]

    def place_of(self, claim: Cells, grid: Grid) -> Floats:
        """Where the claimed cells are, ``(2,)``, by their salience."""
        return heart(self.salience, claim, 1.0) @ grid.centres[claim]

    def energy_db(self, cells: Cells) -> float:
        """Mean heat of cells."""
        heat_db = self.heat.heat_db.reshape(-1)[cells]
        return float(10 * np.log10(np.mean(10 ** (heat_db / 10))))


@dataclass(slots=True, eq=False)
class Track:
    """An object as it is followed; see :class:`TrackedObject` for the fields of the same name."""

    vector: Floats
    held: Floats  # (cells,) part of the time that each cell has belonged to it lately
    centroid: Floats  # (2,)
    id: int = CANDIDATE
    live: bool = True
    presence: float = 0.0
    energy_db: float = -np.inf
    weight: float = 0.0  # salience of its cells
    age_s: float = 0.0
    evidence_s: float = 0.0
    silent_s: float = 0.0
    unseen_s: float = 0.0
    pin: int | None = None  # cell

    @property
    def is_object(self) -> bool:
        """Whether it has been accepted, and has not gone."""
        return self.live and self.id != CANDIDATE

    @property
    def solid(self) -> Cells:
        """The cells that it steadily holds."""
        return self.held >= _SOLID * max(float(self.held.max()), 1e-6)

    def follow(self, claim: Cells, moment: Moment, grid: Grid, settings: ObjectSettings) -> None:
        """Move to the cells claimed, if any, and take on their looks.

        What is pinned stays in its cell: where none are claimed it looks as that does.
        """
        duration_s = moment.duration_s
        fade = duration_s / settings.presence_s
        self.presence = min(max(self.presence + (fade if self.is_object else -fade), 0.0), 1.0)
        self.age_s += duration_s
        self.weight = float(moment.salience[claim].sum())
        if claim.any():
            # A candidate's vector is the mean of all that it has been, so that it settles soon.
            slow_s = settings.vector_s if self.id else max(self.evidence_s, duration_s)
            vector = moment.vector_of(claim, settings.heart_power)
            self.vector = _towards(self.vector, vector, part(duration_s, slow_s))
            held = claim.astype(np.float32)
            self.held = _towards(self.held, held, part(duration_s, settings.cells_s))
            if self.pin is None:
                place = moment.place_of(claim, grid)
                self.centroid = _towards(self.centroid, place, part(duration_s, settings.place_s))
        elif self.pin is not None:
            pinned = moment.cells[self.pin]
            self.vector = _towards(self.vector, pinned, part(duration_s, settings.vector_s))
        self.energy_db = moment.energy_db(claim if claim.any() else self.solid)

    def note(self, duration_s: float, *, heard: bool, seen: bool) -> None:
        """Count for how long it has been, or has not been, heard and seen."""
        self.evidence_s += duration_s if heard else -duration_s
        self.silent_s = 0.0 if heard else self.silent_s + duration_s
        self.unseen_s = 0.0 if seen else self.unseen_s + duration_s

    def become(self, cell: int, vector: Floats, grid: Grid) -> None:
        """Become what is seen in one cell, and was not heard yet."""
        self.age_s = self.evidence_s = self.weight = 0.0
        self.vector = vector.copy()
        self.held = np.zeros(len(grid.centres), np.float32)
        self.held[cell] = 1.0

    def pin_to(self, cell: int, grid: Grid) -> None:
        """Stay in one cell from now on."""
        self.pin, self.live, self.silent_s, self.unseen_s = cell, True, 0.0, 0.0
        self.centroid = grid.centres[cell].copy()

    def unpin(self) -> None:
        """Be followed as others are; where nothing is heard of it, be an object no longer."""
        self.pin = None
        if self.weight == 0.0:
            self.let_go()

    def stand_at(self, grid: Grid) -> None:
        """Hold the one cell of another grid that is where it stands."""
        x, y = (_fraction(value) for value in self.centroid)
        cell = grid.cell_at(x, y)
        self.held = np.zeros(len(grid.centres), np.float32)
        self.held[cell] = 1.0
        if self.pin is not None:
            self.pin = cell

    def let_go(self) -> None:
        """Be an object no longer; the identity is kept."""
        self.live, self.pin, self.weight = False, None, 0.0

    def seen(self, grid: Grid) -> TrackedObject:
        """As shown to the rest of the project."""
        solid = self.solid
        return TrackedObject(
            id=self.id,
            vector=self.vector.copy(),
            presence=self.presence,
            live=self.live,
            centroid=(_fraction(self.centroid[0]), _fraction(self.centroid[1])),
            box=grid.box(solid),
            cells=solid.reshape(grid.height, grid.width),
            energy_db=self.energy_db,
            age_s=self.age_s,
            silent_s=self.silent_s,
            pinned=self.pin is not None,
        )


def part(duration_s: float, time_constant_s: float) -> float:
    """How far to go towards a new value in ``duration_s``."""
    return float(-np.expm1(-duration_s / time_constant_s))


def _towards(old: Floats, new: Floats, part_of_way: float) -> Floats:
    moved: Floats = (old + np.float32(part_of_way) * (new - old)).astype(np.float32)
    return moved


def _fraction(value: np.floating) -> float:
    return min(max(float(value), 0.0), 1.0)
