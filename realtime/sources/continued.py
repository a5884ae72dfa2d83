"""A source that can take another's place: its sound goes on where that of the other ended."""

from __future__ import annotations

import dataclasses

from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, AudioGap, Message
from realtime.sources.wrapped import Wrapped
from realtime.stage import Inputs, Outputs, Stage, State


class Continued(Wrapped):
    """Another source, its samples and messages numbered on from those of the one before it.

    Samples are numbered by the time at which they were captured: between the two sources lies what
    nobody captured.
    """

    def __init__(self, source: Stage) -> None:
        super().__init__(source)
        self._sequences: dict[str, int] = {}  # of the next message
        self._next_sample = 0
        self._end_ns: int | None = None  # when that sample is captured, or would have been
        self._later: int | None = 0  # samples; None: the first chunk tells
        self._further: dict[str, int] = {}  # messages, by topic

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What the source gives, numbered on."""
        outputs = self._source.step(now_ns, inputs)
        return [(topic, self._numbered(topic, message)) for topic, message in outputs]

    def _numbered(self, topic: str, message: Message) -> Message:
        sequence = message.sequence + self._further.get(topic, 0)
        self._sequences[topic] = sequence + 1
        if sequence != message.sequence:
            message = dataclasses.replace(message, sequence=sequence)
        if isinstance(message, AudioChunk):
            return self._chunk(message)
        if isinstance(message, AudioGap) and self._later:
            return dataclasses.replace(message, first_sample=message.first_sample + self._later)
        return message

    def _chunk(self, chunk: AudioChunk) -> AudioChunk:
        if self._later is None:
            missing = 0
            if self._end_ns is not None:
                missing = round((chunk.capture_ns - self._end_ns) * chunk.rate_hz / NS_PER_S)
            self._later = self._next_sample + max(missing, 0) - chunk.first_sample
        if self._later:
            chunk = dataclasses.replace(chunk, first_sample=chunk.first_sample + self._later)
        length = chunk.samples.size
        self._next_sample = chunk.first_sample + length
        self._end_ns = chunk.capture_ns + round(length * NS_PER_S / chunk.rate_hz)
        return chunk

    def state(self) -> State:
        """Where the sound and the numbers of the messages are; and the source's own."""
        return {
            "source": super().state(),
            "sequences": self._sequences,
            "next_sample": self._next_sample,
            "end_ns": self._end_ns,
        }

    def resume(self, state: State) -> None:
        """Go on from there."""
        super().resume(state["source"])
        self._sequences = dict(state["sequences"])
        self._further = dict(state["sequences"])
        self._next_sample, self._end_ns = state["next_sample"], state["end_ns"]
        self._later = None
