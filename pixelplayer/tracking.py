"""Carries objects through time: who is who from one moment to the next.

Each step, every heard cell goes to the known object that it resembles most, the nearer of two
alike. Of the pieces that an object gets this way it keeps the best placed one; everything left
over is grouped into new objects, which must be heard for a while before they count.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.discovery import Cells, Floats, Grid, Likeness, discover, weighted_vector
from pixelplayer.objects import ObjectSettings, TrackedObject

_CANDIDATE = 0  # the id of an object that has none yet
_NEARBY = 0.1  # of the picture: distances below this are all near
_SOLID = 0.4  # a cell belongs to an object that has held it for this part of the time
_FINEST = 0.98  # the least cosine within an object can be raised to this


@dataclass(slots=True, eq=False)
class _Track:
    """An object as it is followed; see :class:`TrackedObject` for the fields of the same name."""

    vector: Floats
    held: Floats  # (cells,) part of the time that each cell has belonged to it lately
    centroid: Floats  # (2,)
    id: int = _CANDIDATE
    live: bool = True
    presence: float = 0.0
    energy_db: float = 0.0
    weight: float = 0.0  # salience of its cells
    age_s: float = 0.0
    evidence_s: float = 0.0
    silent_s: float = 0.0
    unseen_s: float = 0.0
    pin: int | None = None  # cell

    @property
    def solid(self) -> Cells:
        return self.held >= _SOLID * max(float(self.held.max()), 1e-6)


class ObjectTracker:
    """Finds the objects of a scene and follows them; time goes on with each ``step``.

    Args:
        settings: what counts as an object.
        scale: ``(K,)`` float32, the synthesizer's: what each feature does to a mask.
        height, width: the grid.
    """

    def __init__(self, settings: ObjectSettings, scale: Floats, height: int, width: int) -> None:
        self.settings = settings
        self._grid = Grid(height, width, settings.reach_cells)
        self._likeness = Likeness(scale, settings.noise, settings.common_quantile)
        self._tracks: list[_Track] = []
        self._cells: Floats | None = None  # (n, K), of the last step
        self._heat_db: Floats = np.zeros(height * width, np.float32)
        self._wanting_s = 0.0

    def step(
        self, features: Floats, salience: Floats, heat_db: Floats, duration_s: float
    ) -> tuple[TrackedObject, ...]:
        """Take one moment; give the objects by id, those that are fading out included.

        Args:
            features: ``(K, h, w)`` float32, visual features in 0..1.
            salience: ``(h, w)`` float32; 0 where nothing is heard.
            heat_db: ``(h, w)`` float32, for the objects' energy.
            duration_s: time since the last step.
        """
        settings = self.settings
        cells = np.ascontiguousarray(features.reshape(len(features), -1).T)
        self._cells, self._heat_db = cells, heat_db.reshape(-1)
        self._likeness.look(cells, _part(duration_s, settings.background_s))
        weight = salience.reshape(-1)
        heard = weight >= settings.salience_floor

        claims = self._claims(cells, weight, heard)
        for track, claim in zip(self._tracks, claims, strict=True):
            self._follow(track, claim, cells, weight, duration_s)
        if heard.any():
            free = heard.copy()
            for claim in claims:
                free &= ~claim
            self._add_candidates(cells, weight, free, claims)
            self._wanting_s = self._wanting_s + duration_s if self._wants_more else 0.0
        self._judge()
        return self.objects()

    def objects(self) -> tuple[TrackedObject, ...]:
        """The objects as of the last step, by id; gone ones until they have faded out."""
        shown = (track for track in self._tracks if track.id and (track.live or track.presence))
        return tuple(self._seen(track) for track in sorted(shown, key=lambda track: track.id))

    def find(self, x: float, y: float) -> int | None:
        """The id of the object at a point of the picture: by its cells, else by its box."""
        cell = self._grid.cell_at(x, y)
        live = [track for track in self._tracks if track.id and track.live]
        at = [track for track in live if track.solid[cell]]
        at = at or [track for track in live if _inside(self._grid.box(track.solid), x, y)]
        point = np.array([x, y], np.float32)
        at.sort(key=lambda track: float(np.linalg.norm(track.centroid - point)))
        return at[0].id if at else None

    def pin(self, x: float, y: float) -> int | None:
        """Make what the picture shows at a point an object, sounding or not; it stays.

        Where there is an object at that point already, it is the one that is pinned. When there
        are as many objects as there may be, the nearest one moves there.

        Returns:
            The object's id; None if no picture has been seen yet.
        """
        if self._cells is None:
            return None
        cell = self._grid.cell_at(x, y)
        vector = self._cells[cell]
        known = self.find(x, y)
        track = next((track for track in self._tracks if known and track.id == known), None)
        if track is None or self._like(track, vector) < self.settings.known:
            track = self._vacancy(cell)
            track.vector = vector.copy()
            track.held = np.zeros(len(self._cells), np.float32)
            track.held[cell] = 1.0
            track.centroid = self._grid.centres[cell].copy()
        track.pin, track.live, track.silent_s, track.unseen_s = cell, True, 0.0, 0.0
        return track.id

    def set_count(self, count: int | None) -> None:
        """Fix the number of objects (None: as many as are found); the weakest go if too many.

        Raises:
            ValueError: more than ``most_objects``, or none.
        """
        self.settings = dataclasses.replace(self.settings, count=count)
        self._wanting_s = 0.0
        live = [track for track in self._tracks if track.id and track.live]
        live.sort(key=lambda track: (track.pin is None, -track.weight))
        for track in live[self._capacity :]:
            self._let_go(track)

    @property
    def _capacity(self) -> int:
        count = self.settings.count
        return self.settings.most_objects if count is None else count

    @property
    def _wants_more(self) -> bool:
        count = self.settings.count
        return (
            count is not None and sum(track.live and track.id > 0 for track in self._tracks) < count
        )

    def _stricter(self, cosine: float) -> float:
        """A least cosine, raised while a fixed count of objects is not reached."""
        part = min(self._wanting_s / self.settings.strict_s, 1.0)
        return cosine + part * (_FINEST - cosine)

    def _claims(self, cells: Floats, weight: Floats, heard: Cells) -> list[Cells]:
        """The heard cells ``(cells,)`` of every track."""
        claims = [np.zeros_like(heard) for _ in self._tracks]
        live = [index for index, track in enumerate(self._tracks) if track.live]
        if not live or not heard.any():
            return claims
        tracks = [self._tracks[index] for index in live]
        cosine = self._likeness.between(np.stack([track.vector for track in tracks]), cells)
        places = np.stack([track.centroid for track in tracks])
        distance = np.linalg.norm(places[:, np.newaxis] - self._grid.centres, axis=2)
        known = cosine >= self._stricter(self.settings.known)
        score = np.where(known, cosine - self.settings.distance_weight * distance, -np.inf)
        best = np.where(heard & known.any(axis=0), np.argmax(score, axis=0), -1)
        for place, index in enumerate(live):
            pieces = self._grid.pieces(best == place)
            if pieces:
                sizes = [float(weight[piece].sum()) for piece in pieces]
                steps = [_NEARBY + float(distance[place][piece].min()) for piece in pieces]
                claims[index] = pieces[int(np.argmax(np.divide(sizes, steps)))]
        return claims

    def _follow(
        self, track: _Track, claim: Cells, cells: Floats, weight: Floats, duration_s: float
    ) -> None:
        """Let one track live through the step."""
        settings = self.settings
        fade = duration_s / settings.presence_s
        is_shown = track.live and track.id != _CANDIDATE
        track.presence = min(max(track.presence + (fade if is_shown else -fade), 0.0), 1.0)
        track.age_s += duration_s
        track.weight = float(weight[claim].sum())
        if claim.any():
            track.silent_s = 0.0
            track.evidence_s += duration_s
            # A candidate's vector is the mean of all that it has been, so that it settles soon.
            slow_s = settings.vector_s if track.id else max(track.evidence_s, duration_s)
            move = _part(duration_s, slow_s)
            track.vector = _towards(track.vector, weighted_vector(cells, weight, claim), move)
            track.held = _towards(
                track.held, claim.astype(np.float32), _part(duration_s, settings.cells_s)
            )
            share = weight[claim] / weight[claim].sum()
            place = share @ self._grid.centres[claim]
            track.centroid = _towards(track.centroid, place, _part(duration_s, settings.place_s))
            energy = np.mean(10 ** (self._heat_db[claim] / 10))
            track.energy_db = float(10 * np.log10(energy))
        else:
            track.silent_s += duration_s
            track.evidence_s -= duration_s
            solid = track.solid
            track.energy_db = float(10 * np.log10(np.mean(10 ** (self._heat_db[solid] / 10))))
        if track.pin is not None:
            move = _part(duration_s, settings.vector_s)
            track.vector = _towards(track.vector, cells[track.pin], move)
        self._look_for(track, cells, duration_s)

    def _look_for(self, track: _Track, cells: Floats, duration_s: float) -> None:
        """Note whether anything in the picture looks like the track."""
        cosine = self._likeness.between(track.vector[np.newaxis], cells)
        seen = float(cosine.max()) >= self.settings.known
        track.unseen_s = 0.0 if seen else track.unseen_s + duration_s

    def _add_candidates(
        self, cells: Floats, weight: Floats, free: Cells, claims: Sequence[Cells]
    ) -> None:
        """Start a track for every sizeable group of cells that no track claims."""
        settings = self.settings
        alike = self._stricter(settings.alike)
        groups = discover(
            cells, weight, free, likeness=self._likeness, grid=self._grid, alike=alike
        )
        known = [(claim, track.vector) for claim, track in zip(claims, self._tracks, strict=True)]
        sizes = [float(weight[group].sum()) for group in (*groups, *claims)]
        for group, size in zip(groups, sizes, strict=False):
            if size < settings.least_part * max(sizes) or group.sum() < settings.least_cells:
                continue
            vector = weighted_vector(cells, weight, group)
            beside = [other for claim, other in known if self._grid.touch(claim, group)]
            if beside and self._likeness.is_blend(vector, np.stack(beside), settings.unlike):
                continue
            known.append((group, vector))
            share = weight[group] / weight[group].sum()
            self._tracks.append(
                _Track(
                    vector=vector,
                    held=group.astype(np.float32),
                    centroid=share @ self._grid.centres[group],
                    weight=size,
                )
            )

    def _judge(self) -> None:
        """Accept candidates, drop those that came to nothing, let long-silent objects go."""
        settings = self.settings
        for track in self._tracks:
            if not track.id or not track.live or track.pin is not None:
                continue
            silent = track.silent_s > settings.persist_s and settings.count is None
            if silent or (track.silent_s > 0 and track.unseen_s > settings.unseen_s):
                self._let_go(track)
        self._merge()
        candidates = [track for track in self._tracks if not track.id]
        candidates.sort(key=lambda track: -track.weight)
        for track in candidates:
            if track.evidence_s >= settings.evidence_s:
                self._accept(track)
        self._tracks = [track for track in self._tracks if track.id or track.evidence_s >= 0]

    def _merge(self) -> None:
        """Let the younger of two neighbours go that have come to look the same."""
        if self.settings.count is not None:
            return  # the user knows better
        live = [track for track in self._tracks if track.id and track.live]
        live.sort(key=lambda track: (track.pin is None, track.id))
        for place, younger in enumerate(live):
            if younger.pin is not None:
                continue
            for older in live[:place]:
                touching = self._grid.touch(older.solid, younger.solid)
                alike = self._like(older, younger.vector) >= self._stricter(self.settings.merged)
                if older.live and touching and alike:
                    self._let_go(younger)

    def _accept(self, candidate: _Track) -> None:
        """Make a candidate an object, under the identity of a gone one that it resembles."""
        live = [track for track in self._tracks if track.id and track.live]
        if len(live) >= self._capacity:
            replaceable = [
                track
                for track in live
                if track.pin is None and track.silent_s > self.settings.persist_s
            ]
            if not replaceable:
                return
            self._let_go(max(replaceable, key=lambda track: track.silent_s))
        gone = [track for track in self._tracks if track.id and not track.live]
        alike = [
            track for track in gone if self._like(track, candidate.vector) >= self.settings.revived
        ]
        former = max(alike, key=lambda track: self._like(track, candidate.vector), default=None)
        if former is None and self._next_id > self.settings.most_objects:
            former = max(gone, key=lambda track: track.silent_s)
        if former is None:
            candidate.id = self._next_id
        else:
            candidate.id, candidate.presence = former.id, former.presence
            self._tracks.remove(former)

    def _vacancy(self, cell: int) -> _Track:
        """A track with an id for a new pin: a new or gone one, else the nearest there is."""
        live = [track for track in self._tracks if track.id and track.live]
        if len(live) < self._capacity:
            gone = [track for track in self._tracks if track.id and not track.live]
            if self._next_id > self.settings.most_objects:
                return max(gone, key=lambda track: track.silent_s)
            empty = np.zeros(0, np.float32)
            self._tracks.append(_Track(empty, empty, empty, id=self._next_id))
            return self._tracks[-1]
        centre = self._grid.centres[cell]
        return min(
            live,
            key=lambda track: (
                track.pin is not None,
                float(np.linalg.norm(track.centroid - centre)),
            ),
        )

    def _let_go(self, track: _Track) -> None:
        track.live, track.pin, track.weight = False, None, 0.0

    @property
    def _next_id(self) -> int:
        return 1 + max((track.id for track in self._tracks), default=0)

    def _like(self, track: _Track, vector: Floats) -> float:
        return float(self._likeness.between(track.vector[np.newaxis], vector[np.newaxis])[0, 0])

    def _seen(self, track: _Track) -> TrackedObject:
        solid = track.solid
        return TrackedObject(
            id=track.id,
            vector=track.vector.copy(),
            presence=track.presence,
            live=track.live,
            centroid=(_fraction(track.centroid[0]), _fraction(track.centroid[1])),
            box=self._grid.box(solid),
            cells=solid.reshape(self._grid.height, self._grid.width),
            energy_db=track.energy_db,
            age_s=track.age_s,
            silent_s=track.silent_s,
            pinned=track.pin is not None,
        )


def _part(duration_s: float, time_constant_s: float) -> float:
    """How far to go towards a new value in ``duration_s``."""
    return float(-np.expm1(-duration_s / time_constant_s))


def _towards(old: Floats, new: NDArray[np.floating], part: float) -> Floats:
    moved: Floats = (old + part * (new - old)).astype(np.float32)
    return moved


def _inside(box: tuple[float, float, float, float], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _fraction(value: np.floating) -> float:
    return min(max(float(value), 0.0), 1.0)
