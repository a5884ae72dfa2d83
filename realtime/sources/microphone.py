"""A microphone as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from realtime.clock import Clock
from realtime.errors import DeviceError
from realtime.messages import AudioChunk, AudioGap, Message
from realtime.portaudio import Latency
from realtime.sources.microphone_stream import MicrophoneBlock, MicrophoneStream
from realtime.sources.sample_clock import SampleClock
from realtime.sources.samples import mono, silence_broken
from realtime.stage import Inputs, Outputs

POLLS_PER_BLOCK = 2.5  # the callback must not wake anybody, so the ring is looked at


class Recording(Protocol):
    """A running microphone: ``microphone_stream.MicrophoneStream`` or a double."""

    rate_hz: int

    def read(self) -> MicrophoneBlock | None:
        """The oldest block that waits, or None."""

    @property
    def overflows(self) -> int:
        """Times the device itself lost sound."""

    @property
    def refused_samples(self) -> int:
        """Samples lost because nobody read them in time."""

    @property
    def active(self) -> bool:
        """False once the device has gone."""

    def close(self) -> bool:
        """Stop."""


class MicrophoneSource:
    """Emits :class:`AudioChunk` on ``audio``, one every ``block_s``, from the first step on.

    The channels are averaged; ``rate_hz`` None is the device's own rate. ``capture_ns`` is a
    regression of the sample count against the clock. What was lost because this stage was late is
    told as :class:`AudioGap`, with its exact length.
    """

    def __init__(
        self,
        device: str | None,
        *,
        stream: str,
        clock: Clock,
        rate_hz: int | None = None,
        latency: Latency = "high",
        block_s: float = 0.010,
        record: Callable[..., Recording] = MicrophoneStream,
    ) -> None:
        self._device = device
        self._stream = stream
        self._clock = clock
        self._rate_hz = rate_hz
        self._latency = latency
        self._block_s = block_s
        self._record = record
        self._recording: Recording | None = None
        self._sample_clock = SampleClock(1)
        self._start: int | None = None  # the device's number of our sample 0
        self._position = 0
        self._sequence = 0
        self._silenced_samples = 0

    def open(self) -> None:
        """Open the device.

        Raises:
            DeviceError: there is none, or it cannot be opened.
        """
        self._recording = self._record(
            self._device,
            self._clock,
            rate_hz=self._rate_hz,
            latency=self._latency,
            block_s=self._block_s,
        )
        self._sample_clock = SampleClock(self._recording.rate_hz)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """All that has been captured; waits for a block at most a few milliseconds.

        Raises:
            DeviceError: the device has gone.
        """
        assert self._recording is not None
        blocks = self._waiting(self._recording)
        if self._start is None:  # what was captured while others were getting ready is not wanted
            if blocks:
                for block in blocks:
                    self._sample_clock.observe(block.first_sample, block.capture_ns)
                self._start = blocks[-1].first_sample + len(blocks[-1].samples)
            blocks = []
        if not blocks:
            if not self._recording.active:
                raise DeviceError(
                    "the microphone has gone; plug it in again, or see what is there: "
                    "python run_live.py --list-devices"
                )
            self._clock.sleep_s(self._block_s / POLLS_PER_BLOCK)
            return ()
        return [("audio", message) for block in blocks for message in self._messages(block)]

    @staticmethod
    def _waiting(recording: Recording) -> list[MicrophoneBlock]:
        blocks: list[MicrophoneBlock] = []
        while (block := recording.read()) is not None:
            blocks.append(block)
        return blocks

    def _messages(self, block: MicrophoneBlock) -> list[Message]:
        assert self._recording is not None
        assert self._start is not None
        rate_hz = self._recording.rate_hz
        self._sample_clock.observe(block.first_sample, block.capture_ns)
        first_sample = block.first_sample - self._start
        messages: list[Message] = []
        if first_sample > self._position:
            messages.append(
                AudioGap(
                    stream=self._stream,
                    sequence=self._next_sequence(),
                    first_sample=self._position,
                    length_samples=first_sample - self._position,
                    rate_hz=rate_hz,
                )
            )
        channels = np.ascontiguousarray(block.samples.T)
        self._silenced_samples += silence_broken(channels)
        messages.append(
            AudioChunk(
                stream=self._stream,
                sequence=self._next_sequence(),
                capture_ns=self._sample_clock.time_ns(block.first_sample),
                first_sample=first_sample,
                rate_hz=rate_hz,
                samples=mono(channels),
            )
        )
        self._position = first_sample + len(block.samples)
        return messages

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    @property
    def finished(self) -> bool:
        """A microphone has no end of its own."""
        return False

    def close(self) -> None:
        """Stop the device; one that does not answer is left behind."""
        if self._recording is not None:
            self._recording.close()

    def stats(self) -> Mapping[str, float]:
        """What was lost and what was mended."""
        if self._recording is None:
            return {}
        return {
            "device_overflows": self._recording.overflows,
            "lost_samples": self._recording.refused_samples,
            "silenced_samples": self._silenced_samples,
            "clock_jumps": self._sample_clock.jumps,
        }
