"""The microphone stage, on a recording that the test plays."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import NS_PER_MS
from realtime.errors import DeviceError
from realtime.messages import AudioChunk, AudioGap, Message
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_stream import MicrophoneBlock
from tests.fakes.clock import FakeClock

RATE_HZ = 8_000
BLOCK = 80


class PlayedRecording:
    """Blocks that the test puts in."""

    rate_hz = RATE_HZ
    overflows = 0
    refused_samples = 0

    def __init__(self) -> None:
        self.blocks: list[MicrophoneBlock] = []
        self.active = True
        self.closed = False

    def capture(self, number: int, left: float = 0.0, right: float = 0.0) -> None:
        samples = np.tile(np.array([[left, right]], np.float32), (BLOCK, 1))
        self.blocks.append(MicrophoneBlock(number * BLOCK, number * 10 * NS_PER_MS, samples))

    def read(self) -> MicrophoneBlock | None:
        return self.blocks.pop(0) if self.blocks else None

    def close(self) -> bool:
        self.closed = True
        return True


def opened() -> tuple[MicrophoneSource, PlayedRecording]:
    recording = PlayedRecording()
    source = MicrophoneSource(
        None, stream="live", clock=FakeClock(), record=lambda *_, **__: recording
    )
    source.open()
    return source, recording


def step(source: MicrophoneSource) -> list[Message]:
    out = source.step(0, {})
    assert all(topic == "audio" for topic, _ in out)
    return [message for _, message in out]


def test_sound_starts_at_0_with_the_first_step() -> None:
    source, recording = opened()
    for number in range(5):  # while the others get ready
        recording.capture(number, left=9.0)
    assert step(source) == []
    recording.capture(5, left=0.5, right=0.25)
    recording.capture(6, left=1.0)
    first, second = step(source)
    assert isinstance(first, AudioChunk)
    assert isinstance(second, AudioChunk)
    assert (first.first_sample, second.first_sample) == (0, BLOCK)
    assert (first.sequence, second.sequence) == (0, 1)
    assert first.rate_hz == RATE_HZ
    assert first.capture_ns == pytest.approx(50 * NS_PER_MS, abs=1000)
    np.testing.assert_array_equal(first.samples, np.full(BLOCK, 0.375, np.float32))
    assert not source.finished
    source.close()
    assert recording.closed


def test_lost_sound_becomes_a_gap_of_its_length() -> None:
    source, recording = opened()
    recording.capture(0)
    step(source)
    recording.capture(1)
    recording.capture(4)
    chunk, gap, late = step(source)
    assert isinstance(chunk, AudioChunk)
    assert isinstance(gap, AudioGap)
    assert isinstance(late, AudioChunk)
    assert (gap.first_sample, gap.length_samples) == (BLOCK, 2 * BLOCK)
    assert late.first_sample == 3 * BLOCK
    assert [message.sequence for message in (chunk, gap, late)] == [0, 1, 2]


def test_broken_samples_are_silenced() -> None:
    source, recording = opened()
    recording.capture(0)
    step(source)
    recording.capture(1, left=float("nan"), right=0.5)
    (chunk,) = step(source)
    assert isinstance(chunk, AudioChunk)
    assert (chunk.samples == 0.25).all()
    assert source.stats()["silenced_samples"] == BLOCK


def test_a_microphone_that_goes_is_an_error_after_its_last_sound() -> None:
    source, recording = opened()
    recording.capture(0)
    step(source)
    recording.capture(1)
    recording.active = False
    assert len(step(source)) == 1
    with pytest.raises(DeviceError, match="the microphone has gone"):
        step(source)


def test_no_microphone_at_all() -> None:
    def refuse(*_: object, **__: object) -> PlayedRecording:
        raise DeviceError("no microphone was found")

    source = MicrophoneSource("x", stream="live", clock=FakeClock(), record=refuse)
    with pytest.raises(DeviceError, match="no microphone"):
        source.open()
    assert source.stats() == {}
    source.close()
