"""The separator: joins sight and sound into objects, their streams, and the scene.

It owns what the user sets: gains, mutes, solos, pins and the number of objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pixelplayer.energy import EnergySettings
from pixelplayer.objects import ObjectSettings
from pixelplayer.spec import Analysis, ModelSpec
from pixelplayer.stft import Samples
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LogFrequencyWarp
from realtime.clock import NS_PER_S
from realtime.errors import UsageError
from realtime.messages import (
    RESIDUAL_ID,
    Control,
    End,
    Message,
    Scene,
    SightMap,
    SoundColumns,
    Streams,
)
from realtime.stage import Inputs, Outputs, State
from realtime.stages.gains import Gains
from realtime.stages.join import Join, Joined
from realtime.stages.object_streams import ObjectStreams, Synthesizer
from realtime.stages.scene import clusters, scene_objects
from realtime.stages.spectra import Spectra
from realtime.stages.wanted import Wanted
from realtime.stages.watch import Watch
from realtime.wishes import Show


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparatorSettings:
    """How objects are found, and how often the scene is told."""

    objects: ObjectSettings = field(default_factory=ObjectSettings)
    energy: EnergySettings = field(default_factory=EnergySettings)
    scene_rate_hz: int = 10
    level_s: float = 0.3  # time constant of the level meters, near that of a VU meter


@dataclass(slots=True)
class _Input:
    """What belongs to one recording at one rate."""

    name: str
    analysis: Analysis
    first_column: int  # of this run
    next_column: int
    next_sample: int
    streams: ObjectStreams
    capture_ns: int = 0  # of next_column's centre


class Separator:
    """Topics ``sight``, ``sound`` and ``control`` in, ``streams`` and ``scene`` out.

    While somebody wishes for them, ``spectra`` and ``monitor`` as well.

    The rows of all ``Streams`` follow one another without a gap from the first column on, and sum
    to the mixture. Where columns never came, since hearing was replaced, so many samples are
    missing: who listens has the mixture (:mod:`realtime.sinks.carrier`).
    """

    def __init__(
        self,
        spec: ModelSpec,
        synthesizer: Synthesizer,
        join: Join,
        settings: SeparatorSettings,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        self._spec = spec
        self._synthesizer = synthesizer
        self._join = join
        self._settings = settings
        self._watch = Watch(spec, synthesizer, vocabulary, settings.objects, settings.energy)
        self._gains = Gains()
        self._clicked: int | None = None  # made by a click: an object for as long as it is soloed
        self._wanted = Wanted()
        self._spectra = Spectra(spec.audio.frequency_bins)
        self._input: _Input | None = None
        self._sound_end: End | None = None
        self._scene_period: int | None = None
        self._sequences = {"streams": 0, "scene": 0, "monitor": 0}
        self._unwatched: Joined | None = None
        self._rows = 0  # streams of objects that a former separator had
        self._lost_columns = 0
        self._finished = False

    def open(self) -> None:
        """Nothing to open."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Streams for all columns that need wait no longer, and the scene when it is due.

        Raises:
            UsageError: the sample rate changes.
        """
        self._wanted.turn(now_ns)
        for message in inputs.get("control", ()):
            if isinstance(message, Control):
                self._obey(message)
            elif isinstance(message, Show):
                self._wanted.wish(message)
        for message in inputs.get("sight", ()):
            if isinstance(message, SightMap):
                self._join.add_map(message)
            elif isinstance(message, End):
                self._join.end_maps()
        for message in inputs.get("sound", ()):
            if isinstance(message, SoundColumns):
                self._join.add_columns(message)
            elif isinstance(message, End):
                self._sound_end = message
        outputs: list[tuple[str, Message]] = []
        ready = self._join.ready()
        for joined in ready:
            outputs += self._catch_up() + self._separate(joined)
        if not ready:
            outputs += self._catch_up()
        if self._sound_end and not self._join.waiting and not self._finished:
            outputs += self._catch_up()
            outputs += self._end(self._sound_end)
        return outputs

    @property
    def has_more(self) -> bool:
        """Whether what was divided last is still to be watched: sound goes out before that."""
        return self._unwatched is not None

    @property
    def finished(self) -> bool:
        """Whether the sound has ended and all of it is out."""
        return self._finished

    def close(self) -> None:
        """Nothing to give back."""

    def stats(self) -> Mapping[str, float]:
        """How many objects there are, and what was lost on the way here."""
        return {
            "objects_count": sum(item.live for item in self._watch.objects),
            "lost_columns": self._lost_columns,
            "waiting_steps": self._join.waiting,
        }

    # --- what outlives it

    def state(self) -> State:
        """Who is who, what was heard of them, and what the user has set."""
        current = self._input
        return {
            **self._watch.state(),
            "gains": self._gains.state(),
            "clicked": self._clicked,
            "rows": self._rows if current is None else len(current.streams.object_ids),
        }

    def resume(self, state: State) -> None:
        """Divide the sound among the same objects, from the first columns on."""
        self._watch.resume(state)
        self._gains = Gains.of(state["gains"])
        self._clicked = state["clicked"]
        self._rows = state["rows"]

    # --- sound

    def _separate(self, joined: Joined) -> list[tuple[str, Message]]:
        columns = joined.columns
        current = self._current(columns)
        if columns.first_column < current.next_column:
            return []  # sent again after a restart; it is out already
        if columns.first_column > current.next_column:
            self._begin_anew(current, columns)
        outputs: list[tuple[str, Message]] = []
        current.capture_ns = columns.capture_ns
        self._watch.look(joined.maps)
        self._watch.feed(columns)
        if self._watch.heat is None:  # who asks for other objects hears them at once
            outputs += self._look(current, columns)
        known = columns.known_samples - current.first_column * current.analysis.hop
        samples = current.streams.feed(columns.spectrum, columns.features, self._watch.meant, known)
        self._advance(current, columns.features.shape[2])
        outputs += self._streams(current, samples)
        self._unwatched = joined
        return outputs

    def _catch_up(self) -> list[tuple[str, Message]]:
        """Look at what was divided last, and tell what is seen; nobody hears when that is done."""
        joined, current = self._unwatched, self._input
        self._unwatched = None
        if joined is None or current is None:
            return []
        columns = joined.columns
        outputs: list[tuple[str, Message]] = []
        if self._wanted.has("objects"):
            outputs += self._object_spectra(current, columns)
        if self._watch.is_due(is_late=joined.is_late):
            outputs += self._look(current, columns)
        return outputs + self._scene(current, columns)

    def _object_spectra(self, current: _Input, columns: SoundColumns) -> list[tuple[str, Message]]:
        return self._spectra.objects(
            columns,
            current.analysis,
            self._watch.power(columns),
            object_ids=tuple(item.id for item in self._watch.meant),
            shares=current.streams.shares,
        )

    def _look(self, current: _Input, columns: SoundColumns) -> list[tuple[str, Message]]:
        """Look for objects, and tell what the pixels sound where somebody wants to see it."""
        looked = self._watch.update(columns)
        if looked is None or not self._wanted.has("pixels"):
            return []
        return self._spectra.pixels(
            looked.columns,
            current.analysis,
            looked.power,
            masks=looked.masks,
            grid=self._watch.grid,
            shot=self._watch.shot or 0,
        )

    def _current(self, columns: SoundColumns) -> _Input:
        """The state of the recording that the columns belong to."""
        if self._input is None:
            analysis = self._spec.audio.at_rate(columns.rate_hz)
            self._watch.hear(analysis, LogFrequencyWarp(self._spec.audio, analysis))
            self._input = _Input(
                name=columns.stream,
                analysis=analysis,
                first_column=columns.first_column,
                next_column=columns.first_column,
                next_sample=columns.first_column * analysis.hop,
                streams=self._new_streams(analysis, self._rows),
            )
        found_hz = self._input.analysis.rate_hz
        if columns.rate_hz != found_hz:
            raise UsageError(
                f"the sample rate changed from {found_hz} Hz to {columns.rate_hz} Hz in the "
                f"middle of {columns.stream!r}; restart, or set the device to one rate"
            )
        return self._input

    def _new_streams(self, analysis: Analysis, rows: int) -> ObjectStreams:
        warp = LogFrequencyWarp(self._spec.audio, analysis)
        streams = ObjectStreams(self._synthesizer, analysis, warp, self._settings.level_s)
        streams.grow(rows)
        return streams

    def _begin_anew(self, current: _Input, columns: SoundColumns) -> None:
        """Go on behind the columns that never came, as at a beginning."""
        self._lost_columns += columns.first_column - current.next_column
        rows = len(current.streams.object_ids)
        current.streams = self._new_streams(current.analysis, rows)
        current.first_column = current.next_column = columns.first_column
        current.next_sample = columns.first_column * current.analysis.hop

    def _advance(self, current: _Input, columns: int) -> None:
        """Move the place in time behind ``columns`` columns."""
        current.next_column += columns
        elapsed = columns * current.analysis.hop * NS_PER_S
        current.capture_ns += round(elapsed / current.analysis.rate_hz)

    def _streams(self, current: _Input, samples: Samples) -> list[tuple[str, Message]]:
        if samples.shape[1] == 0:
            return []
        rate_hz, hop = current.analysis.rate_hz, current.analysis.hop
        behind = current.next_column * hop - current.next_sample
        object_ids = current.streams.object_ids
        rows = (*object_ids, RESIDUAL_ID)
        message = Streams(
            stream=current.name,
            sequence=self._next("streams"),
            capture_ns=current.capture_ns - round(behind * NS_PER_S / rate_hz),
            first_sample=current.next_sample,
            rate_hz=rate_hz,
            object_ids=object_ids,
            samples=samples,
            gains=tuple(self._gains.effective(row) for row in rows),
            pans=tuple(self._watch.pans.get(row, 0.0) for row in rows),
        )
        current.next_sample += samples.shape[1]
        if not self._wanted.has("streams"):
            return [("streams", message)]
        again = replace(message, sequence=self._next("monitor"))
        return [("streams", message), ("monitor", again)]

    def _end(self, end: End) -> list[tuple[str, Message]]:
        outputs: list[tuple[str, Message]] = []
        if self._input is not None:
            length = self._length_samples(self._input, end)
            outputs += self._streams(self._input, self._input.streams.flush(length))
        for topic in ("streams", "scene"):
            last = End(stream=end.stream, sequence=self._next(topic), topic=topic)
            outputs.append((topic, last))
        self._finished = True
        return outputs

    def _length_samples(self, current: _Input, end: End) -> int:
        """Length of this run's streams: up to the input's end, as far as the columns reach."""
        start = current.first_column * current.analysis.hop
        whole_hops = (current.next_column - 1) * current.analysis.hop
        stop = whole_hops if end.stop_sample is None else end.stop_sample
        reached = current.next_column * current.analysis.hop
        return min(max(stop, current.next_sample), reached) - start

    def _next(self, topic: str) -> int:
        self._sequences[topic] += 1
        return self._sequences[topic] - 1

    def _scene(self, current: _Input, columns: SoundColumns) -> list[tuple[str, Message]]:
        """The scene, if it is due at the time of these columns."""
        period = columns.capture_ns * self._settings.scene_rate_hz // NS_PER_S
        watch, heat = self._watch, self._watch.heat
        if heat is None or period == self._scene_period:
            return []
        self._scene_period = period
        scene = Scene(
            stream=current.name,
            sequence=self._next("scene"),
            capture_ns=columns.capture_ns,
            objects=scene_objects(watch.objects, current.streams, self._gains, watch.names),
            heatmap_db=heat.heat_db,
            clusters=clusters(watch.objects, heat.heat_db.shape),
            residual_level_db=current.streams.level_dbfs(RESIDUAL_ID),
            residual_gain=self._gains.effective(RESIDUAL_ID),
            residual_set_gain=self._gains.level(RESIDUAL_ID),
            soloed=tuple(sorted(self._gains.soloed)),
            muted=tuple(sorted(self._gains.muted)),
        )
        return [("scene", scene)]

    # --- control

    def _obey(self, control: Control) -> None:
        """Do what the user asks; a request that lacks what it needs changes nothing."""
        target, value = control.object_id, control.value
        match control.kind:
            case "click":
                self._click(control)
            case "pin":
                self._pin(control)
            case "unpin" if target is not None:
                self._unpin(target)
            case "solo" if target is not None:
                self._gains.solo(target, value)
            case "mute" if target is not None:
                self._gains.mute(target, value)
            case "gain" if target is not None and value is not None:
                self._gains.set_level(target, value)
            case "unsolo":
                self._gains.clear_solo()
            case "objects":
                self._watch.set_count(round(value) if value else None)
        if self._clicked is not None and self._clicked not in self._gains.soloed:
            self._unpin(self._clicked)

    def _click(self, control: Control) -> None:
        """Hear the object at a point alone; where there is none, what sounds there, if anything."""
        if control.x is None or control.y is None:
            return
        target = self._watch.at(control.x, control.y)
        if target is None:
            target = self._listen_at(control.x, control.y)
        if target is not None:
            self._gains.hear_alone(target)

    def _listen_at(self, x: float, y: float) -> int | None:
        """An object for as long as it is listened to; a miss takes the place of no other."""
        if self._clicked is not None:
            self._unpin(self._clicked)
        self._clicked = self._watch.pin(x, y) if self._watch.has_room else None
        return self._clicked

    def _pin(self, control: Control) -> None:
        if control.x is None or control.y is None:
            return
        pinned = self._watch.pin(control.x, control.y)
        if pinned == self._clicked:
            self._clicked = None  # it is meant to stay

    def _unpin(self, object_id: int) -> None:
        """Let it go; what nobody is any more is not listened to alone."""
        if object_id == self._clicked:
            self._clicked = None
        self._watch.unpin(object_id)
        if not self._watch.has(object_id):
            self._gains.solo(object_id, 0)
