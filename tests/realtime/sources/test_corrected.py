"""A source that is set right: earlier pictures, louder sound, all else as it was."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.build import build
from realtime.clock import NS_PER_MS
from realtime.command_line import parse
from realtime.messages import AudioChunk, Message, VideoFrame
from realtime.plan import Plan
from realtime.sources.corrected import Corrected
from realtime.sources.demo import DemoSource
from realtime.sources.pacing import FastPace
from realtime.stage import Stage
from tests.fakes.clock import FakeClock


def run(source: Stage, steps: int = 20) -> list[Message]:
    source.open()
    try:
        return [message for _ in range(steps) for _, message in source.step(0, {})]
    finally:
        source.close()


@pytest.mark.parametrize(
    ("av_offset_ms", "gain_db"), [(83.0, 6.0), (-120.0, -20.0), (0.0, 6.0), (83.0, 0.0)]
)
def test_pictures_move_and_sound_grows(av_offset_ms: float, gain_db: float) -> None:
    plain = run(DemoSource(stream="demo", pace=FastPace()))
    inner = DemoSource(stream="demo", pace=FastPace())
    right = run(Corrected(inner, av_offset_ms=av_offset_ms, gain_db=gain_db))
    assert len(plain) == len(right)
    assert {type(message) for message in plain} == {VideoFrame, AudioChunk}
    for before, after in zip(plain, right, strict=True):
        assert type(before) is type(after)
        assert before.sequence == after.sequence
        if isinstance(before, VideoFrame) and isinstance(after, VideoFrame):
            assert before.capture_ns - after.capture_ns == av_offset_ms * NS_PER_MS
            np.testing.assert_array_equal(before.pixels, after.pixels)
        elif isinstance(before, AudioChunk) and isinstance(after, AudioChunk):
            assert before.capture_ns == after.capture_ns
            gain = np.float32(10 ** (gain_db / 20))
            np.testing.assert_allclose(after.samples, before.samples * gain, rtol=1e-6)


def test_what_is_set_right_is_told() -> None:
    source = Corrected(DemoSource(stream="demo", pace=FastPace()), av_offset_ms=83.0)
    assert source.stats()["av_offset_ms"] == 83.0
    assert "gain_db" not in source.stats()


@pytest.mark.parametrize(
    ("line", "is_corrected"),
    [("--demo", False), ("--demo --av-offset 0", False), ("--demo --av-offset 5", True)],
)
def test_a_run_sets_its_sources_right(line: str, is_corrected: bool) -> None:
    plan = Plan(
        stream="demo",
        processes={"demo": "main"},
        pace="fast",
        builder="realtime.build:build",
        options=parse(line.split()).to_plain(),
    )
    assert isinstance(build("demo", plan, FakeClock()), Corrected) is is_corrected
