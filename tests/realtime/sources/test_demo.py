"""The built-in duet as a source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pixelplayer.band import Scene, demo_scene
from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, Message, VideoFrame
from realtime.sources.demo import RATE_HZ, DemoSource, LoopedSound, ScenePictures
from realtime.sources.pacing import FastPace, RealtimePace
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="module")
def duet() -> Scene:
    return demo_scene(RATE_HZ)


@pytest.fixture
def source() -> Iterator[DemoSource]:
    opened = DemoSource(stream="demo", pace=FastPace())
    opened.open()
    yield opened
    opened.close()


def steps(source: DemoSource, count: int) -> list[Message]:
    return [message for _ in range(count) for _, message in source.step(0, {})]


def test_it_plays_the_duet(source: DemoSource, duet: Scene) -> None:
    out = steps(source, 12)
    sound = np.concatenate([m.samples for m in out if isinstance(m, AudioChunk)])
    np.testing.assert_array_equal(sound, duet.mixture[: sound.size])
    frames = [m for m in out if isinstance(m, VideoFrame)]
    assert [m.capture_ns for m in frames] == [i * NS_PER_S // 30 for i in range(len(frames))]
    assert {m.pixels.shape for m in frames} == {(360, 640, 3)}
    np.testing.assert_array_equal(frames[3].pixels, duet.frame(0.1, 360, 640))
    assert not source.finished


def test_the_sound_loops_without_a_seam() -> None:
    track = LoopedSound(np.arange(7, dtype=np.float32), 8_000)
    got = np.concatenate([track.read(count) for count in (3, 5, 20, 0, 9)])
    np.testing.assert_array_equal(got, np.arange(37) % 7)


def test_late_pictures_are_left_out(duet: Scene) -> None:
    pictures = ScenePictures(duet, 36, 64)
    pictures.take()
    pictures.hurry(-5)
    assert pictures.peek_ns() == NS_PER_S // 30
    pictures.hurry(NS_PER_S)
    assert pictures.peek_ns() == 31 * NS_PER_S // 30


def test_in_real_time_it_keeps_time() -> None:
    clock = FakeClock(now_ns=3)
    source = DemoSource(stream="demo", pace=RealtimePace(clock))
    source.open()
    samples = pictures = 0
    while clock.now_ns() < 1_001 * 10**6:
        for _, message in source.step(clock.now_ns(), {}):
            samples += message.samples.size if isinstance(message, AudioChunk) else 0
            pictures += isinstance(message, VideoFrame)
    played_s = (clock.now_ns() - 3) / NS_PER_S
    assert 0 <= played_s * RATE_HZ - samples < 442
    assert pictures == 31
    source.close()
