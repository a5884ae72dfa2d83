"""session.json: what was recorded, where the objects were, how the run went."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from realtime.clock import NS_PER_S
from realtime.latency import causes_ms
from realtime.lip_sync import verdict
from realtime.messages import Scene, SceneObject, Stats, Streams
from realtime.sinks.hud import total
from realtime.sinks.private import new_file
from realtime.sinks.sound_files import object_file

VERSION = 1
SILENCE_DB = -120.0
_MOST_BYTES = 1 << 26  # of tens of thousands of objects
_STAGE_NUMBERS = ("p50_ms", "p99_ms", "rate_hz")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """What is known before the run: the model, and each network's backend/precision."""

    model: str
    engines: Mapping[str, str]


@dataclass(slots=True)
class _Place:
    """Where an object was, weighted by how much it sounded there."""

    weight: float = 0.0
    centroid: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(2))
    box: np.ndarray[Any, Any] = field(default_factory=lambda: np.zeros(4))
    first_ns: int = 0
    last_ns: int = 0
    names: Counter[str] = field(default_factory=Counter)

    def add(self, item: SceneObject, capture_ns: int) -> None:
        # The small constant places an object that was never heard.
        weight = 1e-12 + 10.0 ** (min(item.level_db, 60.0) / 10.0)
        if self.weight == 0.0:
            self.first_ns = capture_ns
        self.last_ns = capture_ns
        self.names[item.name] += 1
        self.weight += weight
        self.centroid += weight * np.asarray(item.centroid)
        self.box += weight * np.asarray(item.box)


@dataclass(slots=True)
class _Sound:
    """How loud an object's stream was since it was found."""

    first_sample: int
    samples: int = 0
    energy: float = 0.0


class SessionLog:
    """Folds what is recorded into the contents of session.json."""

    def __init__(self, info: SessionInfo) -> None:
        self._info = info
        self._engines = dict(info.engines)
        self._rate_hz = 0
        self._length = 0
        self._origin_ns = 0
        self._places: dict[int, _Place] = {}
        self._sounds: dict[int, _Sound] = {}
        self._stages: dict[str, Mapping[str, float]] = {}

    def add_streams(self, streams: Streams) -> None:
        """Note how loud the objects are."""
        if self._rate_hz == 0:
            self._rate_hz = streams.rate_hz
            before_ns = round(streams.first_sample * NS_PER_S / streams.rate_hz)
            self._origin_ns = streams.capture_ns - before_ns
        for object_id, row in zip(streams.object_ids, streams.samples, strict=False):
            sound = self._sounds.setdefault(object_id, _Sound(streams.first_sample))
            sound.samples += row.size
            sound.energy += float(np.dot(row.astype(np.float64), row))

    def add_engine(self, network: str, name: str) -> None:
        """Note in which engine a network runs from now on; the last one is told."""
        self._engines[network] = name

    def set_length(self, samples: int) -> None:
        """The length of the recording so far."""
        self._length = samples

    def add_scene(self, scene: Scene) -> None:
        """Note where the objects are."""
        for item in scene.objects:
            self._places.setdefault(item.id, _Place()).add(item, scene.capture_ns)

    def add_stats(self, stats: Stats) -> None:
        """Note the newest numbers of a stage."""
        self._stages[stats.stage] = dict(stats.values)

    def contents(self) -> dict[str, Any]:
        """What session.json says now."""
        duration_s = self._length / self._rate_hz if self._rate_hz else 0.0
        return {
            "version": VERSION,
            "model": self._info.model,
            "engines": dict(self._engines),
            "sample_rate": self._rate_hz,
            "duration_s": round(duration_s, 6),
            "objects": [self._object(object_id, duration_s) for object_id in sorted(self._sounds)],
            "latency_ms": {
                name: round(self._number("speaker", f"latency_{name}_ms"), 3)
                for name in ("p50", "p99", "max")
            },
            "latency_causes_ms": {
                cause: round(value, 1) for cause, value in causes_ms(self._stages).items()
            },
            "sync": self._sync(),
            "feedback": self._feedback(),
            "stages": {stage: _stage(values) for stage, values in self._stages.items()},
            "dropped": {
                "video_frames": self._total("dropped_video", samples=False),
                "audio_samples": self._total("dropped_", samples=True),
            },
            "restarts": round(total(self._stages, "restarts")),
        }

    def _sync(self) -> dict[str, Any]:
        """What was set right, and how sound and picture fitted together where they were shown."""
        told = [values for values in self._stages.values() if "sound_early_ms" in values]
        early_ms = round(told[0]["sound_early_ms"], 1) if told else None
        return {
            "av_offset_ms": round(total(self._stages, "av_offset_ms"), 1),
            "gain_db": round(total(self._stages, "gain_db"), 1),
            "sound_early_ms": early_ms,
            "bt1359": None if early_ms is None else verdict(early_ms),
        }

    def _feedback(self) -> dict[str, Any]:
        """How loud the microphone heard the speaker (None: not at all), and what was done."""
        told = self._stages.get("speaker", {}).get("highest_loop_gain_db")
        return {
            "highest_loop_gain_db": None if told is None else round(told, 1),
            "tamed_db": round(self._number("speaker", "tamed_db"), 1),
            "howls": round(self._number("speaker", "howls")),
        }

    def save(self, folder: Path) -> None:
        """Replace folder/session.json in one go; raises OSError."""
        _write(folder, self.contents())

    def _object(self, object_id: int, duration_s: float) -> dict[str, Any]:
        sound = self._sounds[object_id]
        place = self._places.get(object_id)
        if place is None:
            centroid, box = [0.5, 0.5], [0.0, 0.0, 1.0, 1.0]
            first_s, last_s = sound.first_sample / self._rate_hz, duration_s
        else:
            centroid = [round(float(part), 4) for part in place.centroid / place.weight]
            box = [round(float(part), 4) for part in place.box / place.weight]
            first_s, last_s = (
                min(max((instant_ns - self._origin_ns) / NS_PER_S, 0.0), duration_s)
                for instant_ns in (place.first_ns, place.last_ns)
            )
        mean = sound.energy / max(sound.samples, 1)
        mean_db = 10.0 * math.log10(mean) if mean > 0.0 else SILENCE_DB
        return {
            "id": object_id,
            "file": object_file(object_id),
            "name": place.names.most_common(1)[0][0] if place else "",
            "centroid": centroid,
            "box": box,
            "mean_energy_db": round(max(mean_db, SILENCE_DB), 2),
            "first_s": round(first_s, 3),
            "last_s": round(last_s, 3),
        }

    def _number(self, stage: str, name: str) -> float:
        return float(self._stages.get(stage, {}).get(name, 0.0))

    def _total(self, prefix: str, *, samples: bool) -> int:
        return round(
            sum(
                value
                for values in self._stages.values()
                for name, value in values.items()
                if name.startswith(prefix) and name.endswith("_samples") == samples
            )
        )


def seal(folder: Path, source: str) -> None:
    """Say in the session of ``folder`` that it has all of the file called ``source``.

    Only who has seen the run end well knows: of one that was stopped a recorder gets the same end.

    Raises:
        OSError: it cannot be read or written.
    """
    _write(folder, {**read_contents(folder), "whole": source})


def is_whole(folder: Path, source: str) -> bool:
    """Whether :func:`seal` has said so."""
    try:
        return bool(read_contents(folder).get("whole") == source)
    except (OSError, ValueError):
        return False


def recorded_s(folder: Path) -> float:
    """The length of the session of ``folder``.

    Raises:
        OSError, ValueError, KeyError: there is none.
    """
    return float(read_contents(folder)["duration_s"])


def read_contents(folder: Path) -> dict[str, Any]:
    """What session.json of ``folder`` says.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no session.
    """
    with (folder / "session.json").open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES} bytes")
    try:
        contents = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(contents, dict):
        raise ValueError("it holds no object")
    return contents


def _write(folder: Path, contents: Mapping[str, Any]) -> None:
    """Replace folder/session.json in one go."""
    text = json.dumps(contents, indent=2, allow_nan=False) + "\n"
    temporary = folder / "session.json.part"
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(new_file(temporary), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(folder / "session.json")


def _stage(values: Mapping[str, float]) -> dict[str, float | int]:
    numbers: dict[str, float | int] = {
        name: round(float(values.get(name, 0.0)), 3) for name in _STAGE_NUMBERS
    }
    numbers["late"] = round(values.get("late", 0.0))
    return numbers
