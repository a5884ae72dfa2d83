"""A source as it would be if camera and microphone were what they should be."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from realtime.clock import NS_PER_MS
from realtime.messages import AudioChunk, Message, VideoFrame
from realtime.sources.wrapped import Wrapped
from realtime.stage import Inputs, Outputs, Stage


class Corrected(Wrapped):
    """Another source, its pictures ``av_offset_ms`` earlier and its sound louder by ``gain_db``.

    All that joins pictures with sound does so by ``capture_ns``: set right here, it is right
    everywhere. The gain is not limited; the speaker has a limiter.
    """

    def __init__(self, source: Stage, *, av_offset_ms: float = 0.0, gain_db: float = 0.0) -> None:
        super().__init__(source)
        self._av_offset_ms = av_offset_ms
        self._gain_db = gain_db
        self._earlier_ns = round(av_offset_ms * NS_PER_MS)
        self._gain = np.float32(10.0 ** (gain_db / 20.0))

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What the source gives, corrected."""
        outputs = self._source.step(now_ns, inputs)
        return [(topic, self._corrected(message)) for topic, message in outputs]

    def _corrected(self, message: Message) -> Message:
        if isinstance(message, VideoFrame) and self._earlier_ns:
            return dataclasses.replace(message, capture_ns=message.capture_ns - self._earlier_ns)
        if isinstance(message, AudioChunk) and self._gain_db:
            return dataclasses.replace(message, samples=message.samples * self._gain)
        return message

    def stats(self) -> Mapping[str, float]:
        """The source's own, and the corrections that are not none."""
        corrections = {"av_offset_ms": self._av_offset_ms, "gain_db": self._gain_db}
        return {
            **self._source.stats(),
            **{name: value for name, value in corrections.items() if value},
        }
