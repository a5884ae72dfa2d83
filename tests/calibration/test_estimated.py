"""From pictures and sound to the offset, for flashes and for claps."""

import dataclasses

import numpy as np
import pytest

from calibration.capture import Captured, captured
from calibration.collection import CalibrationError
from calibration.rig_commands import estimated
from realtime.messages import AudioChunk, AudioGap, VideoFrame
from tests.calibration.examples import RATE_HZ, Scene, clapping, flashing, scene, sounding


def taken(given: Scene, looks: np.ndarray, seed: int) -> Captured:
    samples = sounding(given, seed)
    firsts = np.arange(0, len(samples), 480)
    return Captured(
        times_ns=given.times_ns,
        looks=looks,
        rate_hz=RATE_HZ,
        samples=samples,
        firsts=firsts,
        stamps_ns=np.round(firsts * 1e9 / RATE_HZ).astype(np.int64),
    )


@pytest.mark.parametrize("seed", range(6))
def test_flashes(seed: int) -> None:
    later_s = float(np.random.default_rng(seed).uniform(-0.15, 0.2))
    given = scene(seed, later_s, (25.0, 30.0)[seed % 2], events=20)
    found, kind = estimated(taken(given, flashing(given, seed), seed))
    assert kind == "flashes"
    assert abs(found.ms - 1000 * later_s) <= 10


@pytest.mark.parametrize("seed", range(6))
def test_claps(seed: int) -> None:
    later_s = float(np.random.default_rng(seed).uniform(-0.15, 0.2))
    given = scene(seed, later_s, (25.0, 30.0)[seed % 2], events=20)
    found, kind = estimated(taken(given, clapping(given, seed), seed))
    assert kind == "claps"
    assert abs(found.ms - 1000 * later_s) <= 10


def test_a_dark_room_and_a_mute_microphone_are_told_apart() -> None:
    given = scene(1, 0.0, 30.0)
    seen = taken(given, flashing(given, 1), 1)
    with pytest.raises(CalibrationError, match="no flash and no clap was seen"):
        estimated(dataclasses.replace(seen, looks=np.zeros_like(seen.looks)))
    with pytest.raises(CalibrationError, match="no sharp sound was heard"):
        estimated(dataclasses.replace(seen, samples=np.zeros_like(seen.samples)))


def test_what_was_lost_leaves_instants_where_they_are() -> None:
    def chunk(first: int, stamp_ns: int) -> AudioChunk:
        return AudioChunk(
            stream="test",
            sequence=0,
            capture_ns=stamp_ns,
            first_sample=first,
            rate_hz=1000,
            samples=np.ones(10, np.float32),
        )

    gap = AudioGap(stream="test", sequence=0, first_sample=10, length_samples=20, rate_hz=1000)
    picture = VideoFrame(
        stream="test", sequence=0, capture_ns=7, pixels=np.full((36, 48, 3), 90, np.uint8)
    )
    found = captured([chunk(0, 5_000_000), gap, picture, chunk(30, 36_000_000)])
    assert found.samples.tolist() == [1.0] * 10 + [0.0] * 20 + [1.0] * 10
    instants_ns = found.instants_ns(np.array([0.0, 2.5, 31.0]))
    assert instants_ns.tolist() == [5_000_000, 7_500_000, 37_000_000]
    assert found.times_ns.tolist() == [7]
    assert (found.looks == 90).all()


def test_nothing_at_all_is_told() -> None:
    with pytest.raises(CalibrationError, match="nothing was seen and nothing was heard"):
        estimated(captured([]))
