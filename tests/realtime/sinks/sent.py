"""All that a run sends to its recorders, step by step: an object and the rest, and pictures."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import numpy as np

from realtime.messages import AudioChunk, Message
from realtime.sinks.carrier import Carrier
from realtime.sinks.recorder import Recorder
from realtime.sinks.session import SessionInfo

from .examples import NS_PER_S, RATE_HZ, frame, scene, streams

INFO = SessionInfo(model="model", engines={"vision": "openvino/int8", "sound": "torch/fp32"})
STEP = 400  # samples: 50 ms
LATE = 6  # steps from capture to the streams
TOPICS = ("video", "audio", "streams", "scene")
SOUND = np.random.default_rng(1).normal(0, 0.1, (2, 1000 * STEP)).astype(np.float32)


def recorder(folder: Path, info: SessionInfo) -> Recorder:
    return Recorder(folder, info, carrier=Carrier())


def instant_ns(step: int) -> int:
    return step * STEP * NS_PER_S // RATE_HZ


def sent(step: int, silent: Container[int] = ()) -> dict[str, list[Message]]:
    """What comes in a step; the streams of ``silent`` ones never come."""
    inputs: dict[str, list[Message]] = {"audio": [_chunk(step)], "video": [frame(step, fps=20)]}
    said = step - LATE
    if said >= 0:
        inputs["scene"] = [scene(capture_ns=instant_ns(said))]
        if said not in silent:
            inputs["streams"] = [streams(_part(said), said * STEP)]
    return inputs


def _chunk(step: int) -> AudioChunk:
    return AudioChunk(
        stream="test",
        sequence=step,
        capture_ns=instant_ns(step),
        first_sample=step * STEP,
        rate_hz=RATE_HZ,
        samples=_part(step).sum(axis=0),
    )


def _part(step: int) -> np.ndarray:
    return SOUND[:, step * STEP : (step + 1) * STEP]
