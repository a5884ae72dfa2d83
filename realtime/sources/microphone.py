"""A microphone as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from realtime.clock import NS_PER_S, Clock
from realtime.device_desk import DeviceDesk
from realtime.device_life import DeviceLife
from realtime.device_search import Living
from realtime.messages import AudioChunk, AudioGap, Message
from realtime.sources.microphone_queue import MicrophoneBlock
from realtime.sources.samples import mono, silence_broken
from realtime.sources.timekeeper import Timekeeper
from realtime.stage import Inputs, Outputs, State

POLLS_PER_BLOCK = 2.5  # the callback must not wake anybody, so the ring is looked at
# While the microphone is gone its silence is told in pieces of this, and as late as its sound would
# be: what is later the speaker would take for sound that needs a longer delay.
GAP_S = 0.020
LEEWAY_S = 0.020


class Recording(Living, Protocol):
    """A running microphone: ``microphone_process.MicrophoneProcess`` or a double."""

    rate_hz: int

    def read(self) -> MicrophoneBlock | None:
        """The oldest block that waits, or None; those that wait when it goes can still be read."""

    @property
    def overflows(self) -> int:
        """Times the device itself lost sound."""

    @property
    def refused_samples(self) -> int:
        """Samples lost because nobody read them in time."""


class Microphone(Protocol):
    """Opened, and opened again: ``microphone_process.MicrophoneDevice`` or a double."""

    def open(self, rate_hz: int | None) -> Recording:
        """Find it by its name and start it, however long it takes; raises DeviceError."""

    def close(self) -> None:
        """Look for it no more."""


def _life(connect: Callable[[], Recording]) -> DeviceLife[Recording]:
    return DeviceLife("microphone", connect)


class MicrophoneSource:
    """Emits :class:`AudioChunk` on ``audio``, one every ``block_s``, from the first step on.

    The channels are averaged. ``capture_ns`` is a regression of the sample count against the clock.
    What was lost because this stage was late is told as :class:`AudioGap`, with its exact length,
    and so is the time for which the microphone was gone: what listens hears silence meanwhile, and
    samples and time stay together.
    """

    def __init__(
        self,
        device: Microphone,
        *,
        stream: str,
        clock: Clock,
        rate_hz: int | None = None,
        block_s: float = 0.010,
        live: Callable[[Callable[[], Recording]], DeviceLife[Recording]] = _life,
        other: Callable[[str], Microphone] | None = None,
    ) -> None:
        """``rate_hz`` None is one that suits the device; ``live`` looks after it.

        ``other`` finds another by its name, where it may be exchanged while the run goes on.
        """
        self._device = device
        self._stream = stream
        self._clock = clock
        self._rate_hz = rate_hz
        self._block_s = block_s
        self._life = live(lambda: device.open(self._rate_hz))
        self._desk = DeviceDesk("microphone", stream, other)
        self._recording: Recording | None = None
        self._time = Timekeeper(1)
        self._sequence = 0
        self._silenced_samples = 0
        self._overflows = 0  # of recordings that are over
        self._refused = 0

    def open(self) -> None:
        """Open the device.

        Raises:
            DeviceError: there is none, or it cannot be opened.
        """
        self._recording = self._life.begin()
        self._rate_hz = self._recording.rate_hz
        self._time = Timekeeper(self._rate_hz)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """All that has been captured; waits for a block at most a few milliseconds."""
        self._desk.obey(now_ns, inputs, self._life, lambda other: other.open(self._rate_hz))
        found = self._life.poll(now_ns)
        messages = self._heard()
        if found is not self._recording:
            self._exchange(found)
        if not messages:
            self._clock.sleep_s(self._block_s / POLLS_PER_BLOCK)
            messages = self._missed(now_ns)
        told = self._desk.told(now_ns, self._life)
        return [*(("audio", message) for message in messages), *told]

    def _heard(self) -> list[Message]:
        """What waits, also of a device that has just gone."""
        blocks = self._waiting()
        for block in blocks:
            self._time.observe(block.first_sample, block.capture_ns)
        if blocks and self._time.is_away:
            self._time.find(blocks[0].first_sample, blocks[0].capture_ns)
        elif blocks and not self._time.has_begun:
            # What was captured while others were getting ready is not wanted.
            self._time.begin(blocks[-1].first_sample + len(blocks[-1].samples))
            return []
        return [message for block in blocks for message in self._messages(block)]

    def _waiting(self) -> list[MicrophoneBlock]:
        blocks: list[MicrophoneBlock] = []
        while self._recording is not None and (block := self._recording.read()) is not None:
            blocks.append(block)
        return blocks

    def _exchange(self, found: Recording | None) -> None:
        """The device has gone, or is back."""
        if self._recording is not None:
            self._overflows += self._recording.overflows
            self._refused += self._recording.refused_samples
            self._time.lose()
        self._recording = found

    def _missed(self, now_ns: int) -> list[Message]:
        """The silence of a device that is gone, as far as it is certain."""
        if not self._time.is_away:
            return []
        length = self._time.at(now_ns - round(LEEWAY_S * NS_PER_S)) - self._time.position
        return [self._gap(length)] if length >= GAP_S * self._time.rate_hz else []

    def _gap(self, length: int) -> AudioGap:
        gap = AudioGap(
            stream=self._stream,
            sequence=self._next_sequence(),
            first_sample=self._time.position,
            length_samples=length,
            rate_hz=self._time.rate_hz,
        )
        self._time.position += length
        return gap

    def _messages(self, block: MicrophoneBlock) -> list[Message]:
        first_sample = self._time.number(block.first_sample)
        messages: list[Message] = []
        if first_sample > self._time.position:
            messages.append(self._gap(first_sample - self._time.position))
        told = self._time.position - first_sample  # as silence, before the device was back
        if told >= len(block.samples):
            return messages
        channels = np.ascontiguousarray(block.samples[told:].T)
        self._silenced_samples += silence_broken(channels)
        messages.append(
            AudioChunk(
                stream=self._stream,
                sequence=self._next_sequence(),
                capture_ns=self._time.time_ns(block.first_sample + told),
                first_sample=self._time.position,
                rate_hz=self._time.rate_hz,
                samples=mono(channels),
            )
        )
        self._time.position += len(block.samples) - told
        return messages

    def _next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence - 1

    def state(self) -> State:
        """Which device was chosen."""
        return {"device": self._desk.state(self._life)}

    def resume(self, state: State) -> None:
        """Exchange the device of the start for that one."""
        self._desk.resume(state["device"])

    @property
    def finished(self) -> bool:
        """A microphone has no end of its own."""
        return False

    def close(self) -> None:
        """Stop the device; one that does not answer is left behind."""
        self._life.close()
        self._device.close()  # also where it never was open

    def stats(self) -> Mapping[str, float]:
        """What was lost and what was mended."""
        recording = self._recording
        overflows = 0 if recording is None else recording.overflows
        refused = 0 if recording is None else recording.refused_samples
        return {
            **self._life.stats(),
            "device_overflows": self._overflows + overflows,
            "lost_samples": self._refused + refused,
            "silenced_samples": self._silenced_samples,
            "clock_jumps": self._time.jumps,
        }
