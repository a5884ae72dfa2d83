"""One valid message of every type."""

from __future__ import annotations

import numpy as np

from realtime.desk import Choice, Present, Recording
from realtime.messages import (
    AudioChunk,
    AudioGap,
    CapturedPicture,
    CapturedSound,
    Control,
    End,
    Message,
    Scene,
    SceneObject,
    SightMap,
    SoundColumns,
    Stats,
    Streams,
    VideoFrame,
)
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import Show


def frame(sequence: int = 0, height: int = 2, width: int = 3) -> VideoFrame:
    pixels = np.full((height, width, 3), sequence % 256, np.uint8)
    return VideoFrame(stream="s", sequence=sequence, capture_ns=sequence * 10, pixels=pixels)


def chunk(sequence: int = 0, samples: int = 4, rate_hz: int = 8000) -> AudioChunk:
    return AudioChunk(
        stream="s",
        sequence=sequence,
        capture_ns=sequence * 10,
        first_sample=sequence * samples,
        rate_hz=rate_hz,
        samples=np.full(samples, sequence, np.float32),
    )


def end(topic: str, sequence: int = 0) -> End:
    return End(stream="s", sequence=sequence, topic=topic)


def scene_object(number: int = 1) -> SceneObject:
    return SceneObject(
        id=number,
        colour=(10, 20, 30),
        box=(0.1, 0.2, 0.5, 0.6),
        centroid=(0.3, 0.4),
        energy_db=-3.5,
        level_db=-20.25,
        gain=0.5,
        name="acoustic guitar",
    )


def scene(sequence: int = 0) -> Scene:
    return Scene(
        stream="s",
        sequence=sequence,
        capture_ns=5,
        objects=(scene_object(1), scene_object(2)),
        heatmap_db=np.zeros((2, 3), np.float32),
        clusters=np.ones((2, 3), np.int16),
        residual_level_db=float("-inf"),
        residual_gain=1.0,
        soloed=(0, 2),
    )


def one_of_each() -> tuple[Message, ...]:
    return (
        frame(),
        chunk(),
        AudioGap(stream="s", sequence=1, first_sample=4, length_samples=8, rate_hz=8000),
        SightMap(
            stream="s", sequence=2, capture_ns=-3, frame_sequence=9, shot=2,
            features=np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
        ),
        SoundColumns(
            stream="s", sequence=3, capture_ns=4, first_column=6, known_samples=7, rate_hz=44100,
            features=np.ones((2, 3, 2), np.float32),
            spectrum=np.full((5, 2), 1 + 2j, np.complex64),
        ),
        Streams(
            stream="s", sequence=4, capture_ns=4, first_sample=6, rate_hz=44100,
            object_ids=(3, 1), samples=np.ones((3, 4), np.float32),
            gains=(1.0, 0.1, 0.0), pans=(-1.0, 0.3, 0.0),
        ),
        scene(),
        Control(stream="s", sequence=0, kind="gain", object_id=0, value=0.25),
        Control(stream="s", sequence=1, kind="pin", x=0.1, y=1.0),
        Show(stream="s", sequence=2, what=("objects", "pixels")),
        ObjectSpectra(
            stream="s", sequence=0, capture_ns=4, column_ns=9, object_ids=(3, 1),
            levels=np.arange(6, dtype=np.uint8).reshape(3, 2), shares=np.ones((3, 3, 2), np.uint8),
        ),
        PixelSpectra(
            stream="s", sequence=1, capture_ns=4, duration_ns=9, shot=1,
            levels=np.arange(12, dtype=np.uint8).reshape(2, 3, 2),
        ),
        Choice(stream="s", sequence=2, part="speaker", name="USB Headset"),
        Present(
            stream="s", sequence=0, part="camera", name="", said="no", number=3, is_refusal=True,
        ),
        Recording(
            stream="s", sequence=1, is_on=True, began_ns=-7, said="", number=0, is_refusal=False,
        ),
        Stats(stream="s", sequence=0, stage="sight", values={"rate_hz": 14.5, "late": 2}),
        end("audio", 7),
        End(stream="s", sequence=8, topic="sound", stop_sample=100),
        CapturedPicture(
            stream="s", sequence=0, capture_ns=4, visit=1, jpeg=np.arange(5, dtype=np.uint8)
        ),
        CapturedSound(
            stream="s", sequence=1, capture_ns=5, visit=2, first_sample=128, rate_hz=48000,
            samples=np.arange(-3, 4, dtype=np.int16),
        ),
    )  # fmt: skip
