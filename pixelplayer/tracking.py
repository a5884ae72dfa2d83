"""Carries objects through time: who is who from one moment to the next.

Each step, every heard cell goes to the known object that it resembles most, the nearer of two
alike. Of the pieces that an object gets this way it keeps the best placed one; everything left
over is grouped into new objects, which must be heard for a while before they count.

To be heard, an object must explain a part of the sound that no other object explains better: what
merely lets through a bit of everything is a bystander. And while all that is seen explains little
of what sounds, nothing is taken on: a room's noise sounds a little like many things.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pixelplayer.discovery import Cells, Floats, Grid, Likeness, discover, exclusive, explained
from pixelplayer.energy import Heat
from pixelplayer.objects import ObjectSettings, TrackedObject
from pixelplayer.track import Moment, Track, part

_NEARBY = 0.1  # of the picture: distances below this are all near
_FINEST = 0.98  # the least cosine within an object can be raised to this


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
        self._tracks: list[Track] = []
        self._moment: Moment | None = None
        self._wanting_s = 0.0

    def step(self, features: Floats, heat: Heat, duration_s: float) -> tuple[TrackedObject, ...]:
        """Take one moment; give the objects by id, those that are fading out included.

        Args:
            features: ``(K, h, w)`` float32, visual features in 0..1.
            heat: what the cells sound like.
            duration_s: time since the last step.
        """
        settings = self.settings
        moment = Moment.of(features, heat, settings.salience_floor, duration_s)
        self._moment = moment
        self._likeness.look(moment.cells, part(duration_s, settings.background_s))
        claims = self._claims(moment)
        for track, claim in zip(self._tracks, claims, strict=True):
            track.follow(claim, moment, self._grid, settings)
        self._note(moment, claims)
        if moment.heard.any():
            self._add_candidates(moment, claims)
            self._wanting_s = self._wanting_s + duration_s if self._wants_more else 0.0
        self._judge()
        return self.objects()

    def objects(self) -> tuple[TrackedObject, ...]:
        """The objects as of the last step, by id; gone ones until they have faded out."""
        shown = (track for track in self._tracks if track.id and (track.live or track.presence))
        return tuple(track.seen(self._grid) for track in sorted(shown, key=lambda track: track.id))

    def find(self, x: float, y: float) -> int | None:
        """The id of the object at a point of the picture: by its cells, else by its box."""
        cell = self._grid.cell_at(x, y)
        at = [track for track in self._live if track.solid[cell]]
        at = at or [track for track in self._live if _inside(self._grid.box(track.solid), x, y)]
        point = np.array([x, y], np.float32)
        at.sort(key=lambda track: float(np.linalg.norm(track.centroid - point)))
        return at[0].id if at else None

    def pin(self, x: float, y: float) -> int | None:
        """Make what the picture shows at a point an object, sounding or not; it stays there.

        It claims what is like it and connected with that point, nothing elsewhere.

        Where there is an object at that point already, it is the one that is pinned. When there
        are as many objects as there may be, the nearest one moves there.

        Returns:
            The object's id; None if no picture has been seen yet.
        """
        if self._moment is None:
            return None
        cell = self._grid.cell_at(x, y)
        vector = self._moment.cells[cell]
        known = self.find(x, y)
        track = next((track for track in self._tracks if known and track.id == known), None)
        if track is None or self._like(track, vector) < self.settings.known:
            track = self._vacancy(cell)
            track.become(cell, vector, self._grid)
        track.pin_to(cell, self._grid)
        return track.id

    @property
    def has_room(self) -> bool:
        """Whether there may be one more object."""
        return len(self._live) < self._capacity

    def unpin(self, object_id: int) -> None:
        """Follow it as others are followed; one that nothing is heard of goes at once."""
        for track in self._live:
            if track.id == object_id and track.pin is not None:
                track.unpin()

    def cut(self) -> None:
        """The scene is another: all objects end but those that are pinned.

        One that is found again, because it looks the same, keeps its id.
        """
        self._tracks = [track for track in self._tracks if track.id]
        for track in self._live:
            if track.pin is None:
                track.let_go()
        self._likeness.forget()
        self._wanting_s = 0.0

    def regrid(self, height: int, width: int) -> None:
        """The pictures are of other proportions: as after a cut; what is pinned keeps its place."""
        self.cut()
        self._grid = Grid(height, width, self.settings.reach_cells)
        self._moment = None
        for track in self._tracks:
            track.stand_at(self._grid)

    def state(self) -> dict[str, Any]:
        """All that another tracker needs to go on with the same objects: values and arrays.

        The arrays are the tracker's own, for whoever writes them down at once.
        """
        return {
            "grid": [self._grid.height, self._grid.width],
            "count": self.settings.count,
            "background": self._likeness.background,
            "tracks": [
                {field.name: getattr(track, field.name) for field in dataclasses.fields(track)}
                for track in self._tracks
            ],
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on as the tracker did that :meth:`state` is of.

        Raises:
            ValueError: it does not fit itself.
        """
        height, width = state["grid"]
        grid = Grid(height, width, self.settings.reach_cells)
        tracks = [Track(**values) for values in state["tracks"]]
        if any(track.held.shape != (height * width,) for track in tracks):
            raise ValueError(f"wanted tracks on {height} x {width} cells")
        self._grid, self._tracks, self._moment = grid, tracks, None
        self._likeness.recall(state["background"])
        self.set_count(state["count"])

    def set_count(self, count: int | None) -> None:
        """Fix the number of objects (None: as many as are found); the weakest go if too many.

        Raises:
            ValueError: more than ``most_objects``, or none.
        """
        self.settings = dataclasses.replace(self.settings, count=count)
        self._wanting_s = 0.0
        by_rank = sorted(self._live, key=lambda track: (track.pin is None, -track.weight))
        for track in by_rank[self._capacity :]:
            track.let_go()

    @property
    def _live(self) -> list[Track]:
        return [track for track in self._tracks if track.is_object]

    @property
    def _gone(self) -> list[Track]:
        return [track for track in self._tracks if not track.live]

    @property
    def _capacity(self) -> int:
        count = self.settings.count
        return self.settings.most_objects if count is None else count

    @property
    def _wants_more(self) -> bool:
        return self.settings.count is not None and len(self._live) < self.settings.count

    @property
    def _next_id(self) -> int:
        return 1 + max((track.id for track in self._tracks), default=0)

    def _stricter(self, cosine: float) -> float:
        """A least cosine, raised while a fixed count of objects is not reached."""
        raised = min(self._wanting_s / self.settings.strict_s, 1.0)
        return cosine + raised * (_FINEST - cosine)

    def _like(self, track: Track, vector: Floats) -> float:
        return float(self._likeness.between(track.vector[np.newaxis], vector[np.newaxis])[0, 0])

    def _claims(self, moment: Moment) -> list[Cells]:
        """The heard cells ``(cells,)`` of every track."""
        claims = [np.zeros_like(moment.heard) for _ in self._tracks]
        live = [index for index, track in enumerate(self._tracks) if track.live]
        if not live or not moment.heard.any():
            return claims
        tracks = [self._tracks[index] for index in live]
        cosine = self._likeness.between(np.stack([t.vector for t in tracks]), moment.cells)
        places = np.stack([track.centroid for track in tracks])
        distance = np.linalg.norm(places[:, np.newaxis] - self._grid.centres, axis=2)
        known = cosine >= self._stricter(self.settings.known)
        for place, track in enumerate(tracks):
            if track.pin is not None:
                known[place] &= self._grid.piece(known[place] & moment.heard, track.pin)
        score = np.where(known, cosine - self.settings.distance_weight * distance, -np.inf)
        best = np.where(moment.heard & known.any(axis=0), np.argmax(score, axis=0), -1)
        for place, index in enumerate(live):
            pieces = self._grid.pieces(best == place)
            if pieces:
                sizes = [float(moment.salience[piece].sum()) for piece in pieces]
                steps = [_NEARBY + float(distance[place][piece].min()) for piece in pieces]
                claims[index] = pieces[int(np.argmax(np.divide(sizes, steps)))]
        return claims

    def _is_plain(self, moment: Moment) -> bool:
        """Whether so much of what sounds comes from what is seen that something new can be heard.

        Who fixes the number of objects knows that they are there.
        """
        part_explained = explained(moment.heat.masks, moment.heat.amplitude)
        return self.settings.count is not None or part_explained >= self.settings.explained_floor

    def _note(self, moment: Moment, claims: Sequence[Cells]) -> None:
        """Note which tracks are heard, and which have nothing in the picture that is like them."""
        if not self._tracks:
            return
        settings = self.settings
        vectors = np.stack([track.vector for track in self._tracks])
        masks = np.stack([moment.mask_of(claim) for claim in claims])
        unlike = self._likeness.between(vectors, vectors) < settings.alike
        seen = self._likeness.between(vectors, moment.cells).max(axis=1) >= settings.known
        is_plain = self._is_plain(moment)
        for index, track in enumerate(self._tracks):
            own = exclusive(masks[index], masks[unlike[index]], moment.heat.amplitude)
            # An object is not dropped as easily as it is taken on.
            least = settings.exclusive_floor * (0.5 if track.id else 1.0)
            heard = bool(claims[index].any()) and (own >= least or track.pin is not None)
            heard = heard and (bool(track.id) or is_plain)
            track.note(moment.duration_s, heard=heard, seen=bool(seen[index]))

    def _add_candidates(self, moment: Moment, claims: Sequence[Cells]) -> None:
        """Start a track for every sizeable group of cells that no track claims."""
        settings = self.settings
        free = moment.heard.copy()
        for claim in claims:
            free &= ~claim
        groups = discover(
            moment.cells,
            moment.salience,
            free,
            likeness=self._likeness,
            grid=self._grid,
            alike=self._stricter(settings.alike),
        )
        known = [(claim, track.vector) for claim, track in zip(claims, self._tracks, strict=True)]
        sizes = [float(moment.salience[group].sum()) for group in (*groups, *claims)]
        for group, size in zip(groups, sizes, strict=False):
            if size < settings.least_part * max(sizes) or group.sum() < settings.least_cells:
                continue
            vector = moment.vector_of(group, settings.heart_power)
            if self._is_edge(vector, group, known):
                continue
            known.append((group, vector))
            place = moment.place_of(group, self._grid)
            self._tracks.append(Track(vector, group.astype(np.float32), place, weight=size))

    def _is_edge(self, vector: Floats, cells: Cells, known: Sequence[tuple[Cells, Floats]]) -> bool:
        """Whether cells that look like ``vector`` are but the edge of known ones beside them."""
        beside = [other for place, other in known if self._grid.touch(place, cells)]
        unlike = self.settings.unlike
        return bool(beside) and self._likeness.is_blend(vector, np.stack(beside), unlike)

    def _judge(self) -> None:
        """Accept candidates, drop those that came to nothing, let long-silent objects go."""
        settings = self.settings
        for track in self._live:
            silent = track.silent_s > settings.persist_s and settings.count is None
            unseen = track.silent_s > 0 and track.unseen_s > settings.unseen_s
            if track.pin is None and (silent or unseen):
                track.let_go()
        if settings.count is None:
            self._merge()
        candidates = [track for track in self._tracks if not track.id]
        for track in sorted(candidates, key=lambda track: -track.weight):
            if self._is_edge(track.vector, track.solid, [(t.solid, t.vector) for t in self._live]):
                self._tracks.remove(track)
            elif track.evidence_s >= settings.evidence_s:
                self._accept(track)
        self._tracks = [track for track in self._tracks if track.id or track.evidence_s >= 0]

    def _merge(self) -> None:
        """Let the younger of two neighbours go that have come to look the same."""
        by_rank = sorted(self._live, key=lambda track: (track.pin is None, track.id))
        for place, younger in enumerate(by_rank):
            for older in by_rank[:place]:
                if (
                    younger.pin is None
                    and older.live
                    and self._grid.touch(older.solid, younger.solid)
                    and self._like(older, younger.vector) >= self.settings.merged
                ):
                    younger.let_go()

    def _accept(self, candidate: Track) -> None:
        """Make a candidate an object, under the identity of a gone one that it resembles."""
        if len(self._live) >= self._capacity:
            idle = [
                track
                for track in self._live
                if track.pin is None and track.silent_s > self.settings.persist_s
            ]
            if not idle:
                return
            max(idle, key=lambda track: track.silent_s).let_go()
        former = max(
            self._gone, key=lambda track: self._like(track, candidate.vector), default=None
        )
        if former and self._like(former, candidate.vector) < self.settings.revived:
            former = None
        if former is None and self._next_id > self.settings.most_objects:
            former = max(self._gone, key=lambda track: track.silent_s)
        if former is None:
            candidate.id = self._next_id
        else:
            candidate.id, candidate.presence = former.id, former.presence
            self._tracks.remove(former)

    def _vacancy(self, cell: int) -> Track:
        """A track with an id for a new pin: a new or gone one, else the nearest there is."""
        if self.has_room:
            if self._next_id > self.settings.most_objects:
                return max(self._gone, key=lambda track: track.silent_s)
            empty = np.zeros(0, np.float32)
            self._tracks.append(Track(empty, empty, empty, id=self._next_id))
            return self._tracks[-1]
        centre = self._grid.centres[cell]
        return min(
            self._live,
            key=lambda track: (
                track.pin is not None,
                float(np.linalg.norm(track.centroid - centre)),
            ),
        )


def _inside(box: tuple[float, float, float, float], x: float, y: float) -> bool:
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
