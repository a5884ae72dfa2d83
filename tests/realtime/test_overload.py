"""A machine that is too slow for a while, on a simulated clock: from the microphone to the queue.

Samples come at real pace; a step takes what waits, and as long as its inferences cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.protocol import FloatArray, TensorSpec, checked_inputs
from pixelplayer.objects import TrackedObject
from pixelplayer.spec import SoundSpec
from pixelplayer.warp import LogFrequencyWarp
from realtime.messages import AudioChunk, End, SoundColumns
from realtime.sinks.playout import Playout, PlayoutSettings
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from realtime.stages.object_streams import ObjectStreams
from tests.fakes.clock import FakeClock
from tests.fakes.pixel_model import BANDS_HZ, LOUDNESS, SPEC, SYNTHESIZER, band_noise

RATE_HZ = SPEC.audio.rate_hz
HOP_S = SPEC.audio.hop / RATE_HZ
CHUNK = 80  # 10 ms
BATCH = 100  # chunks that a step is handed at most
STREAMING = replace(
    SPEC, sound=SoundSpec(width=8, levels=3, network="streaming", lookaheads=(-2, 0, 4), state=1)
)
PACE = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=24)


class SlowEars:
    """Says which frequencies belong to which colour, and counts its steps; each takes its time."""

    name = "fake/fp32"
    inputs = (
        TensorSpec(name="log_magnitude", shape=(1, 1, 64, 2)),
        TensorSpec(name="lookahead", shape=(1, 3)),
        TensorSpec(name="state", shape=(1, 1)),
    )
    outputs = (
        TensorSpec(name="sound", shape=(1, SPEC.channels, 64, 2)),
        TensorSpec(name="next_state", shape=(1, 1)),
    )

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.cost_s = 0.0
        audio = SPEC.audio
        u = np.linspace(0, 1, audio.frequency_bins)
        hz = audio.rate_hz / 2 * (audio.warp_base**u - 1) / (audio.warp_base - 1)
        self._bands = np.array([(low <= hz) & (hz < high) for low, high in BANDS_HZ.values()])

    def infer(
        self, inputs: Mapping[str, NDArray[Any]], into: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        given = checked_inputs(inputs, self.inputs)
        self._clock.advance_s(self.cost_s)
        sound = np.zeros(self.outputs[0].shape, np.float32)
        sound[0, :LOUDNESS] = 10.0 * self._bands[:, :, np.newaxis]
        np.add(given["state"], 1, out=into["next_state"])
        return {"sound": sound, **into}

    def close(self) -> None:
        pass

    def __enter__(self) -> SlowEars:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class Heard:
    """What came out of hearing, and when."""

    columns: list[SoundColumns] = field(default_factory=list)
    came_s: list[float] = field(default_factory=list)
    most_pending: float = 0.0


def run(samples: NDArray[np.float32], slow_s: tuple[float, float], cost_s: float) -> Heard:
    """Hear samples as they come; from the first to the second of ``slow_s`` steps cost more."""
    clock, found = FakeClock(), Heard()
    ears = SlowEars(clock)
    stage = Hearing(lambda _newest: ears, STREAMING, PACE)
    stage.open()
    chunks = [
        AudioChunk(
            stream="t",
            sequence=0,
            capture_ns=round(start / RATE_HZ * 1e9),
            first_sample=start,
            rate_hz=RATE_HZ,
            samples=samples[start : start + CHUNK],
        )
        for start in range(0, len(samples), CHUNK)
    ]
    taken = 0
    while taken < len(chunks):
        now_s = clock.now_ns() / 1e9
        arrived = min(int(now_s * RATE_HZ) // CHUNK, len(chunks), taken + BATCH)
        if arrived == taken:
            clock.advance_s(CHUNK / RATE_HZ)
            continue
        ears.cost_s = cost_s if slow_s[0] <= now_s < slow_s[1] else 0.1 * HOP_S
        outputs = stage.step(clock.now_ns(), {"audio": chunks[taken:arrived]})
        taken = arrived
        found.columns += [item for _, item in outputs if isinstance(item, SoundColumns)]
        found.came_s += [clock.now_ns() / 1e9] * (len(found.columns) - len(found.came_s))
        found.most_pending = max(found.most_pending, stage.stats()["pending_columns"])
    end = End(stream="t", sequence=len(chunks), topic="audio")
    outputs = stage.step(clock.now_ns(), {"audio": [end]})
    found.columns += [item for _, item in outputs if isinstance(item, SoundColumns)]
    found.came_s += [clock.now_ns() / 1e9] * (len(found.columns) - len(found.came_s))
    return found


@pytest.mark.parametrize("hops", [2.5, 5.0, 12.0])
def test_ears_that_are_too_slow_lose_masks_and_no_sound(hops: float) -> None:
    samples = band_noise("red", 1, 15 * RATE_HZ) + band_noise("green", 2, 15 * RATE_HZ)
    found = run(samples, (3.0, 13.0), hops * HOP_S)
    counts = [item.features.shape[2] for item in found.columns]
    assert [item.first_column for item in found.columns] == [0, *np.cumsum(counts)[:-1]]
    late_s = [
        came_s - (item.first_column + item.features.shape[2]) * HOP_S
        for item, came_s in zip(found.columns, found.came_s, strict=True)
    ]
    assert found.most_pending < 80
    assert max(late_s) < 80 * HOP_S
    assert max(late_s[-20:-4]) < max(late_s[5:40])
    np.testing.assert_allclose(split(found.columns, len(samples)).sum(axis=0), samples, atol=1e-4)


def split(columns: list[SoundColumns], length: int) -> NDArray[np.float32]:
    """The streams of a red and a green object, and the residual."""
    analysis = SPEC.audio.at_rate(RATE_HZ)
    streams = ObjectStreams(SYNTHESIZER, analysis, LogFrequencyWarp(SPEC.audio, analysis), 0.3)
    objects = [
        TrackedObject(
            id=number,
            vector=np.eye(SPEC.channels, dtype=np.float32)[number - 1],
            presence=1.0,
            live=True,
            centroid=(0.5, 0.5),
            box=(0.0, 0.0, 1.0, 1.0),
            cells=np.ones((14, 14), bool),
            energy_db=0.0,
            age_s=0.0,
            silent_s=0.0,
            pinned=True,
        )
        for number in (1, 2)
    ]
    rows = [
        streams.feed(item.spectrum, item.features, objects, item.known_samples) for item in columns
    ]
    return np.concatenate([*rows, streams.flush(length)], axis=1)


def test_after_ten_slow_seconds_the_delay_is_what_it_was() -> None:
    samples = band_noise("red", 1, 45 * RATE_HZ)
    found = run(samples, (5.0, 15.0), 5 * HOP_S)
    playout = Playout(RATE_HZ, PlayoutSettings.for_queue(0.030))
    queued = end = now = given = played = 0
    delays: dict[int, float] = {}
    heard = np.zeros(46)  # samples of each second
    for item, came_s in zip(found.columns, found.came_s, strict=True):
        first = item.first_column * SPEC.audio.hop
        piece = item.features.shape[2] * SPEC.audio.hop
        gone = round(came_s * RATE_HZ) - now
        now += gone
        end += max(gone - queued, 0)
        queued = max(queued - gone, 0)
        correction = playout.next(first, piece, queued, end)
        added = correction.silence + piece - correction.skip
        by = min(correction.lengthen, piece // 2) - min(correction.shorten, piece // 2)
        playout.moved(by)
        queued += added + by
        end += added + by
        heard[first // RATE_HZ] += piece - correction.skip
        delays[first // RATE_HZ] = (end - first - piece) / RATE_HZ
        given, played = given + piece, played + piece - correction.skip
    assert delays[40] < delays[3] + 0.010
    assert max(delays.values()) < delays[3] + 1.0
    assert heard[7:15].min() > 0
    assert heard[17:44].min() > 0.95 * RATE_HZ
    assert played > 0.9 * given
