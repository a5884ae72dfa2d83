"""The microphone stage, on a recording that the test plays."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import NS_PER_MS
from realtime.device_life import DeviceLife
from realtime.errors import DeviceError
from realtime.messages import AudioChunk, AudioGap, Message
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_queue import MicrophoneBlock
from tests.fakes.attempts import AtOnce
from tests.fakes.clock import FakeClock

RATE_HZ = 8_000
BLOCK = 80


class PlayedRecording:
    """Blocks that the test puts in."""

    rate_hz = RATE_HZ
    overflows = 0
    refused_samples = 0
    name = "USB Microphone"
    patience_s = 1.0

    def __init__(self) -> None:
        self.blocks: list[MicrophoneBlock] = []
        self.active = True
        self.closed = False
        self.beats = 0

    def capture(
        self, number: int, left: float = 0.0, right: float = 0.0, *, at_ms: int | None = None
    ) -> None:
        """The device's block of this number, captured when it is due unless told."""
        at_ms = number * 10 if at_ms is None else at_ms
        samples = np.tile(np.array([[left, right]], np.float32), (BLOCK, 1))
        self.blocks.append(MicrophoneBlock(number * BLOCK, at_ms * NS_PER_MS, samples))
        self.beats += 1

    def trouble(self) -> None:
        return None

    def read(self) -> MicrophoneBlock | None:
        return self.blocks.pop(0) if self.blocks else None

    def close(self) -> bool:
        self.closed = True
        return True


class PlayedMicrophone:
    """Opens the recordings that the test has ready, in order."""

    def __init__(self, *recordings: PlayedRecording) -> None:
        self.ready = list(recordings)
        self.asked_hz: list[int | None] = []
        self.closed = False

    def open(self, rate_hz: int | None) -> PlayedRecording:
        self.asked_hz.append(rate_hz)
        if not self.ready:
            raise DeviceError("no microphone 'USB Microphone'; found: none")
        return self.ready.pop(0)

    def close(self) -> None:
        self.closed = True


def source_of(microphone: PlayedMicrophone) -> MicrophoneSource:
    return MicrophoneSource(
        microphone,
        stream="live",
        clock=FakeClock(),
        live=lambda connect: DeviceLife("microphone", connect, AtOnce),
    )


def opened() -> tuple[MicrophoneSource, PlayedRecording]:
    recording = PlayedRecording()
    source = source_of(PlayedMicrophone(recording))
    source.open()
    return source, recording


def step(source: MicrophoneSource, now_ms: int = 0) -> list[Message]:
    out = source.step(now_ms * NS_PER_MS, {})
    return [message for topic, message in out if topic == "audio"]


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


def test_a_microphone_that_goes_leaves_silence_and_comes_back_in_its_place() -> None:
    first, second = PlayedRecording(), PlayedRecording()
    microphone = PlayedMicrophone(first)
    source = source_of(microphone)
    source.open()
    first.capture(0)
    step(source)
    for number in range(1, 101):  # 1 s, captured from 10 ms on
        first.capture(number, left=1.0)
    first.active = False
    told = step(source, 1010)  # what it said before it went is told
    assert [type(message) for message in told] == [AudioChunk] * 100
    assert source.stats()["device_lost"] == 1.0
    gone: list[Message] = []
    for now_ms in range(1020, 3000, 20):
        gone += step(source, now_ms)
    assert all(isinstance(message, AudioGap) for message in gone)
    # Silence goes on with time, a little behind it.
    end = max(m.first_sample + m.length_samples for m in gone if isinstance(m, AudioGap))
    assert 2.9 * RATE_HZ < end + RATE_HZ // 100 <= 2.98 * RATE_HZ
    microphone.ready.append(second)
    for now_ms in range(3000, 4100, 20):  # it is looked for once a second
        step(source, now_ms)
    assert source.stats()["device_lost"] == 0.0
    for number in range(5):
        second.capture(number, left=0.5, at_ms=5000 + 10 * number)
    gap, *chunks = step(source, 5060)
    assert isinstance(gap, AudioGap)
    assert [type(message) for message in chunks] == [AudioChunk] * 5
    (back, *_) = chunks
    assert isinstance(back, AudioChunk)
    # Sample 0 was captured at 10 ms; this one at 5000 ms.
    assert back.first_sample == pytest.approx(4.99 * RATE_HZ, abs=2)
    assert gap.first_sample + gap.length_samples == back.first_sample
    assert back.capture_ns == pytest.approx(5000 * NS_PER_MS, abs=NS_PER_MS)
    assert microphone.asked_hz[0] is None
    assert set(microphone.asked_hz[1:]) == {RATE_HZ}  # a run has one rate
    assert source.stats()["device_reopened"] == 1
    source.close()
    assert second.closed
    assert microphone.closed


def test_what_was_told_as_silence_is_not_said_again() -> None:
    first, second = PlayedRecording(), PlayedRecording()
    microphone = PlayedMicrophone(first, second)
    source = source_of(microphone)
    source.open()
    first.capture(0)
    step(source)
    first.capture(1)
    first.active = False
    step(source, 20)
    messages = [message for now_ms in range(40, 500, 20) for message in step(source, now_ms)]
    told = sum(m.length_samples for m in messages if isinstance(m, AudioGap))
    assert told >= 0.3 * RATE_HZ
    second.capture(0, at_ms=300)  # captured before its silence was told
    second.capture(1, at_ms=310)
    second.capture(20, left=1.0, at_ms=500)
    (*_, last) = step(source, 520)
    assert isinstance(last, AudioChunk)
    assert last.first_sample == pytest.approx(0.49 * RATE_HZ, abs=2)


def test_no_microphone_at_all() -> None:
    source = source_of(PlayedMicrophone())
    with pytest.raises(DeviceError, match="no microphone"):
        source.open()
    assert source.stats()["device_lost"] == 1.0
    source.close()
