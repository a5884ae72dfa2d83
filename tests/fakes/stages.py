"""Small stages with the real names: they pass on what can be checked afterwards.

``build`` is a plan's builder (``tests.fakes.stages:build``); the plan's options say what the
stages do, see :class:`tests.fakes.script.Script`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from realtime.clock import NS_PER_S, Clock
from realtime.messages import (
    AudioChunk,
    AudioGap,
    Control,
    End,
    Message,
    Scene,
    SceneObject,
    SightMap,
    SoundColumns,
    Streams,
    VideoFrame,
)
from realtime.plan import Plan
from realtime.stage import Inputs, Outputs, Stage, State
from tests.fakes.faulty import Faulty
from tests.fakes.script import Script

RATE_HZ = 8000
CHUNK_SAMPLES = 80
FRAME_NS = NS_PER_S // 100


def build(name: str, plan: Plan, clock: Clock) -> Stage:
    script = Script(**plan.options)
    stage = STAGES[name](plan.stream, script, clock)
    return Faulty(stage, script, clock) if name == script.fault else stage


class Base:
    """What all fakes share."""

    def __init__(self, stream: str, script: Script, clock: Clock) -> None:
        self.stream = stream
        self.script = script
        self.clock = clock
        self.sequence = 0
        self.finished = False

    def open(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Leave a mark: who, in which thread and process."""
        mark = {"pid": os.getpid(), "thread": threading.current_thread().name}
        name = type(self).__name__
        Path(self.script.results, f"{name}.closed").write_text(json.dumps(mark), encoding="utf-8")

    def stats(self) -> Mapping[str, float]:
        return {"sequence": self.sequence}


class Demo(Base):
    """Noise and pictures; 100 of each per second of media; paced when it never ends."""

    begun_ns = 0

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        count = self.sequence
        if count == self.script.chunks:
            self.finished = True
            return [
                (topic, End(stream=self.stream, sequence=count, topic=topic))
                for topic in ("video", "audio")
            ]
        if self.script.chunks is None:
            self.clock.sleep_s(0.01)
            self.begun_ns = self.begun_ns or now_ns  # then they are taken in the clock's time
            if count == 20:
                Path(self.script.results, "going").touch()
        self.sequence += 1
        samples = np.random.default_rng(count).standard_normal(CHUNK_SAMPLES).astype(np.float32)
        pixels = np.full((4, 6, 3), count % 256, np.uint8)
        capture_ns = self.begun_ns + count * FRAME_NS
        return [
            (
                "video",
                VideoFrame(
                    stream=self.stream, sequence=count, capture_ns=capture_ns, pixels=pixels
                ),
            ),
            (
                "audio",
                AudioChunk(
                    stream=self.stream,
                    sequence=count,
                    capture_ns=capture_ns,
                    first_sample=count * CHUNK_SAMPLES,
                    rate_hz=RATE_HZ,
                    samples=samples,
                ),
            ),
        ]


class Sight(Base):
    """The picture's first value as the map."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        outputs: list[tuple[str, Message]] = []
        for message in inputs.get("video", ()):
            if isinstance(message, VideoFrame):
                features = np.full((1, 2, 3, 3), message.pixels[0, 0, 0], np.float32)
                outputs.append(
                    (
                        "sight",
                        SightMap(
                            stream=self.stream,
                            sequence=self.sequence,
                            capture_ns=message.capture_ns,
                            frame_sequence=message.sequence,
                            shot=0,
                            features=features,
                        ),
                    )
                )
                self.sequence += 1
            else:
                outputs.append(
                    ("sight", End(stream=self.stream, sequence=self.sequence, topic="sight"))
                )
                self.finished = True
        return outputs


class Hearing(Base):
    """Each chunk as one column."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        outputs: list[tuple[str, Message]] = []
        for message in inputs.get("audio", ()):
            if isinstance(message, AudioChunk):
                outputs.append(
                    (
                        "sound",
                        SoundColumns(
                            stream=self.stream,
                            sequence=self.sequence,
                            capture_ns=message.capture_ns,
                            first_column=message.first_sample // CHUNK_SAMPLES,
                            known_samples=1_000_000,
                            rate_hz=RATE_HZ,
                            features=np.ones((2, 3, 1), np.float32),
                            spectrum=message.samples.astype(np.complex64)[:, None],
                        ),
                    )
                )
                self.sequence += 1
            elif isinstance(message, End):
                self.finished = True  # the host says the End
        return outputs


class Separator(Base):
    """The sound scaled by the newest map before it; two halves and a residual of nothing."""

    def __init__(self, stream: str, script: Script, clock: Clock) -> None:
        super().__init__(stream, script, clock)
        self.lives = 1
        self.maps: list[SightMap] = []
        self.sounds: list[SoundColumns] = []
        self.ended: set[str] = set()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        for message in (*inputs.get("sight", ()), *inputs.get("sound", ())):
            if isinstance(message, SightMap):
                self.maps.append(message)
            elif isinstance(message, SoundColumns):
                self.sounds.append(message)
            elif isinstance(message, End):
                self.ended.add(message.topic)
        outputs: list[tuple[str, Message]] = []
        while self.sounds and self._is_ready(self.sounds[0]):
            outputs += self._split(self.sounds.pop(0))
        if not self.sounds and self.ended == {"sight", "sound"}:
            self.finished = True
            outputs.append(
                ("streams", End(stream=self.stream, sequence=self.sequence, topic="streams"))
            )
        return outputs

    def state(self) -> State:
        return {"lives": self.lives}

    def resume(self, state: State) -> None:
        self.lives = state["lives"] + 1

    def _is_ready(self, sound: SoundColumns) -> bool:
        return "sight" in self.ended or (
            bool(self.maps) and self.maps[-1].capture_ns > sound.capture_ns
        )

    def _split(self, sound: SoundColumns) -> list[tuple[str, Message]]:
        past = [item for item in self.maps if item.capture_ns <= sound.capture_ns]
        weight = float(past[-1].features[0, 0, 0, 0]) if past else 0.0
        samples = sound.spectrum[:, 0].real
        streams = Streams(
            stream=self.stream,
            sequence=self.sequence,
            capture_ns=sound.capture_ns,
            first_sample=sound.first_column * CHUNK_SAMPLES,
            rate_hz=RATE_HZ,
            object_ids=(1,),
            samples=np.stack([samples * np.float32(weight), samples]),
            gains=(float(self.lives), 1.0),
            pans=(0.0, 0.0),
        )
        thing = SceneObject(
            id=1,
            colour=(1, 2, 3),
            box=(0.0, 0.0, 0.5, 0.5),
            centroid=(0.25, 0.5),
            energy_db=-3.0,
            level_db=-20.0,
            gain=1.0,
        )
        scene = Scene(
            stream=self.stream,
            sequence=self.sequence,
            capture_ns=sound.capture_ns,
            objects=(thing,),
            heatmap_db=np.zeros((2, 2), np.float32),
            clusters=np.ones((2, 2), np.int16),
            residual_level_db=-60.0,
            residual_gain=1.0,
            soloed=(),
        )
        self.sequence += 1
        return [("streams", streams), ("scene", scene)]


class Recorder(Base):
    """Keeps all streams in one file, written at the end; counts what else it gets."""

    def __init__(self, stream: str, script: Script, clock: Clock) -> None:
        super().__init__(stream, script, clock)
        self.rows: list[np.ndarray] = []
        self.counts: dict[str, int] = {}
        self.ended: set[str] = set()
        self.gap_samples = 0
        self.firsts: list[int] = []
        self.lives: list[float] = []

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        for topic, messages in inputs.items():
            for message in messages:
                kind = f"{topic} {type(message).__name__}"
                self.counts[kind] = self.counts.get(kind, 0) + 1
                if isinstance(message, Streams):
                    self.rows.append(message.samples)
                    self.firsts.append(message.first_sample)
                    self.lives.append(message.gains[0])
                elif isinstance(message, AudioGap):
                    self.gap_samples += message.length_samples
                elif isinstance(message, End):
                    self.ended.add(topic)
        if self.ended == {"video", "audio", "streams", "scene"}:
            self.finished = True
            self._put_away()
        return ()

    def _put_away(self) -> None:
        folder = Path(self.script.results)
        rows = np.concatenate(self.rows, axis=1) if self.rows else np.zeros((0, 0), np.float32)
        np.save(folder / "streams.npy", rows)
        np.save(folder / "firsts.npy", self.firsts)
        np.save(folder / "lives.npy", self.lives)
        (folder / "counts.json").write_text(json.dumps(self.counts), encoding="utf-8")


class Window(Base):
    """Shows nothing; can ask to quit, after a third of a second."""

    shown = 0  # scenes after the fault

    def _has_healed(self) -> bool:
        return Path(self.script.results, "fell").exists()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        self.finished = any(isinstance(item, End) for item in inputs.get("scene", ()))
        newest = max((item.sequence for item in inputs.get("video", ())), default=0)
        self.shown += len(inputs.get("scene", ())) if self._has_healed() else 0
        wanted = self.shown >= 100 if self.script.heals else newest >= 30
        if self.script.quits and self.sequence == 0 and wanted:
            self.sequence += 1
            return [("control", Control(stream=self.stream, sequence=0, kind="quit"))]
        return ()


STAGES: Mapping[str, type[Base]] = {
    "demo": Demo, "sight": Sight, "hearing": Hearing, "separator": Separator,
    "recorder": Recorder, "window": Window,
}  # fmt: skip


def plan(script: Script, *, placement: str = "threads", pace: str = "fast", **more: object) -> Plan:
    """A run of the fakes, like the real one."""
    names = ("demo", "sight", "hearing", "separator", "recorder", "window")
    apart = ("sight", "hearing", "separator") if placement == "processes" else ()
    processes = {name: name if name in apart else "main" for name in (*names, "supervisor")}
    return Plan(
        stream="test",
        processes=processes,
        pace=pace,  # type: ignore[arg-type]
        builder="tests.fakes.stages:build",
        options=dataclasses.asdict(script),
        **more,  # type: ignore[arg-type]
    )


def main() -> int:
    """``python -m tests.fakes.stages PLACEMENT PACE SCRIPT_JSON``: a run as a command."""
    import sys

    from realtime.clock import SystemClock
    from realtime.screen import Screen
    from realtime.supervisor import Supervisor

    placement, pace, text = sys.argv[1:]
    made = plan(Script(**json.loads(text)), placement=placement, pace=pace)
    return Supervisor(made, SystemClock(), Screen(sys.stderr)).run()


if __name__ == "__main__":
    raise SystemExit(main())
