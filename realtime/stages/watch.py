"""What is seen and heard of a scene: heat, objects, and what they are called.

The separator divides sound among the objects that are found here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelplayer.energy import EnergySettings, Heat, LogPower, PixelEnergy
from pixelplayer.objects import ObjectSettings, TrackedObject
from pixelplayer.spec import Analysis, ModelSpec
from pixelplayer.tracking import ObjectTracker
from pixelplayer.understanding import Understanding
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LogFrequencyWarp
from realtime.clock import NS_PER_S
from realtime.messages import SightMap, SoundColumns
from realtime.stage import State
from realtime.stages.object_streams import Synthesizer
from realtime.stages.scene import pan_of

_WATCHED_COLUMNS = 4  # scenes are told at most twice as often as objects are looked for
_NEWEST_COLUMNS = 2  # stand for those since the last time
_WATCHED_LATE_COLUMNS = 16  # objects age before sound comes too late

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look was made of: the newest ``columns``, their ``power`` (F, w), and the cells'
    ``masks`` (N, F, w)."""

    columns: SoundColumns
    power: Floats
    masks: Floats


class Watch:
    """Follows one scene. :meth:`hear` begins, before anything is heard."""

    def __init__(
        self,
        spec: ModelSpec,
        synthesizer: Synthesizer,
        vocabulary: Vocabulary | None,
        objects: ObjectSettings,
        energy: EnergySettings,
    ) -> None:
        self.grid = (spec.vision.grid, spec.vision.grid)  # until the first picture
        self.shot: int | None = None
        self.heat: Heat | None = None  # None: look at what comes next at once
        self.objects: tuple[TrackedObject, ...] = ()
        self.meant: tuple[TrackedObject, ...] = ()  # with the vectors that they are separated by
        self.names: dict[int, str] = {}
        self.pans: dict[int, float] = {}
        self._spec = spec
        self._synthesizer = synthesizer
        self._vocabulary = vocabulary
        self._settings = energy
        self._most_objects = objects.most_objects
        self._tracker = ObjectTracker(objects, synthesizer.scale, *self.grid)
        self._energy = PixelEnergy(*self.grid, energy)
        self._maps: tuple[SightMap, ...] = ()
        self._looks: Floats | None = None  # (S, K, h, w), maximum over the maps
        self._analysis: Analysis | None = None
        self._log_power: LogPower | None = None
        self._understanding: Understanding | None = None
        self._understood: Mapping[str, Any] | None = None  # what a former one had heard
        self._unwatched_columns = 0

    # --- what outlives it

    def state(self) -> State:
        """Who is who, and what was heard of them."""
        heard = self._understanding
        return {
            "tracker": self._tracker.state(),
            "pans": sorted(self.pans.items()),
            "shot": self.shot,
            "understanding": heard.state() if heard else self._understood,
        }

    def resume(self, state: State) -> None:
        """Follow the same objects, from the first columns on."""
        self._tracker.resume(state["tracker"])
        self.grid = tuple(state["tracker"]["grid"])
        self._energy = PixelEnergy(*self.grid, self._settings)
        self.objects = self.meant = self._tracker.objects()
        self.pans = dict(state["pans"])
        self.shot = state["shot"]
        self._understood = state["understanding"]

    # --- sound and sight

    def hear(self, analysis: Analysis, warp: LogFrequencyWarp) -> None:
        """What comes is a recording at this rate."""
        self._analysis = analysis
        self._log_power = LogPower(warp, analysis, self._spec.audio.frequency_bins)
        if self._vocabulary is not None:
            scale, bias = self._synthesizer.scale, self._synthesizer.bias
            self._understanding = Understanding(
                self._vocabulary, scale, bias, analysis=analysis, warp=warp
            )
            if self._understood is not None:
                self._understanding.resume(self._understood)
        self._understand()

    def power(self, columns: SoundColumns) -> Floats:
        """The mixture's, ``(F, w)`` float32, as the network hears it."""
        assert self._log_power is not None
        return self._log_power.of(columns.spectrum)

    def look(self, maps: tuple[SightMap, ...]) -> None:
        """Take the maximum over the maps in use, once for each set of maps.

        A cut shows another scene: what was seen and found before it is no part of that.
        """
        if maps and maps != self._maps:
            shot = maps[-1].shot
            if self.shot is not None and shot != self.shot:
                self._energy.reset()
                self._tracker.cut()
                self.heat = None
            self.shot = shot
            shown = [item.features for item in maps if item.shot == shot]
            self._looks = np.max(np.stack(shown), axis=0)
            self._fit(*self._looks.shape[2:])
        self._maps = maps

    def _fit(self, rows: int, columns: int) -> None:
        """Watch a grid of this shape: pictures of other proportions have another one."""
        if (rows, columns) != self.grid:
            self.grid = (rows, columns)
            self._energy = PixelEnergy(rows, columns, self._settings)
            self._tracker.regrid(rows, columns)

    def feed(self, columns: SoundColumns) -> None:
        """These are heard."""
        if self._understanding is not None:
            self._understanding.feed(columns.features, columns.spectrum)
        if self._looks is not None:
            self._unwatched_columns += columns.features.shape[2]

    def is_due(self, *, is_late: bool) -> bool:
        """Whether it is time to look again; seldom, where sound would come too late."""
        every = _WATCHED_LATE_COLUMNS if is_late else _WATCHED_COLUMNS
        return self._unwatched_columns >= every

    def update(self, columns: SoundColumns) -> Looked | None:
        """Look for heat and objects in the newest columns; None before the first picture."""
        if self._looks is None:
            return None
        assert self._analysis is not None
        analysis = self._analysis
        duration_s = self._unwatched_columns * analysis.hop / analysis.rate_hz
        self._unwatched_columns = 0
        cells = self._seen(self._looks)
        newest = _newest(columns, analysis)
        masks = self._synthesizer.masks(cells, newest.features)
        power = self.power(newest)
        self.heat = self._energy.update(masks, power, duration_s)
        features = cells.T.reshape(-1, *self.grid)
        self.objects = self._tracker.step(features, self.heat, duration_s)
        self.pans.update({item.id: pan_of(item) for item in self.objects})
        self._understand()
        return Looked(columns=newest, power=power, masks=masks)

    def _seen(self, looks: Floats) -> Floats:
        """The cells ``(n, K)``, as they look in the light of what is heard."""
        cells = np.ascontiguousarray(looks.reshape(*looks.shape[:2], -1).transpose(0, 2, 1))
        if self._understanding is None:
            strongest: Floats = cells.max(axis=0)
            return strongest
        return self._understanding.fitting(cells)

    def _understand(self) -> None:
        """What the objects are called, and the vectors that they are separated by."""
        self.meant, self.names = self.objects, {}
        # What was never heard, as a wall that is pinned, is not taken for an instrument.
        present = [item for item in self.objects if item.live and item.was_heard]
        if self._understanding is None or not present:
            return
        understood = self._understanding.understand(np.stack([item.vector for item in present]))
        ids = [item.id for item in present]
        meant = dict(zip(ids, understood.vectors, strict=True))
        self.names = dict(zip(ids, understood.names, strict=True))
        self.meant = tuple(
            replace(item, vector=meant.get(item.id, item.vector)) for item in self.objects
        )

    # --- what the user asks for: nobody waits for that

    def set_count(self, count: int | None) -> None:
        """So many objects, as far as there may be; None: as many as there are."""
        self._tracker.set_count(None if count is None else min(count, self._most_objects))
        self.heat = None

    def at(self, x: float, y: float) -> int | None:
        """The object at a point; None where there is none."""
        return self._tracker.find(x, y)

    def has(self, object_id: int) -> bool:
        """Whether there is such an object."""
        return any(item.id == object_id and item.live for item in self._tracker.objects())

    @property
    def has_room(self) -> bool:
        """Whether there may be one more."""
        return self._tracker.has_room

    def pin(self, x: float, y: float) -> int | None:
        """An object that stays at a point, in place of the nearest where there may be no more.

        None where nothing has been seen.
        """
        pinned = self._tracker.pin(x, y)
        self.heat = None
        return pinned

    def unpin(self, object_id: int) -> None:
        """Let it go where nothing is heard of it, else follow it as others."""
        self._tracker.unpin(object_id)
        self.heat = None


def _newest(columns: SoundColumns, analysis: Analysis) -> SoundColumns:
    """The last of them, where there are more than are looked at."""
    before = columns.features.shape[2] - _NEWEST_COLUMNS
    if before <= 0:
        return columns
    return replace(
        columns,
        capture_ns=columns.capture_ns + round(before * analysis.hop * NS_PER_S / analysis.rate_hz),
        first_column=columns.first_column + before,
        features=columns.features[:, :, before:],
        spectrum=columns.spectrum[:, before:],
    )
