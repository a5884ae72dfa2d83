"""What a camera and a microphone, or a file, told: coarse pictures and sound, with instants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S, Clock
from realtime.graph import TOPICS
from realtime.messages import AudioChunk, AudioGap, Message, VideoFrame
from realtime.picture import resized
from realtime.stage import Stage

COARSE = (24, 18)  # cells across and down
_IDLE_S = 0.002


def never() -> bool:
    """Nothing ends it."""
    return False


def messages(
    stages: Iterable[Stage], clock: Clock, *, is_over: Callable[[], bool] = never
) -> Iterator[Message]:
    """What sources give, until they all have finished or ``is_over``.

    The stages are opened and closed here.

    Raises:
        DeviceError: one cannot be opened.
    """
    opened: list[Stage] = []
    try:
        for stage in stages:
            opened.append(stage)
            stage.open()
        while not is_over() and not all(stage.finished for stage in opened):
            outputs = [
                output
                for stage in opened
                if not stage.finished
                for output in stage.step(clock.now_ns(), {})
            ]
            for topic, message in outputs:
                if TOPICS[topic].is_data:  # not which device it is
                    yield message
            if not outputs:
                clock.sleep_s(_IDLE_S)
    finally:
        for stage in opened:
            stage.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """``looks`` (n, h, w) float32 at ``times_ns`` (n,); ``samples`` (m,) float32 at ``rate_hz``.

    Sample ``firsts[i]`` was taken at ``stamps_ns[i]``; samples that were lost are zeros.
    """

    times_ns: NDArray[np.int64]
    looks: NDArray[np.float32]
    rate_hz: int
    samples: NDArray[np.float32]
    firsts: NDArray[np.int64]
    stamps_ns: NDArray[np.int64]

    def instants_ns(self, places: NDArray[np.float64]) -> NDArray[np.int64]:
        """When the samples at ``places`` were taken."""
        chunk = np.clip(np.searchsorted(self.firsts, places, side="right") - 1, 0, None)
        after = (places - self.firsts[chunk]) * (NS_PER_S / self.rate_hz)
        return self.stamps_ns[chunk] + np.round(after).astype(np.int64)


def captured(given: Iterable[Message]) -> Captured:
    """Fold a source's messages."""
    times_ns: list[int] = []
    looks: list[NDArray[np.float32]] = []
    parts: list[NDArray[np.float32]] = []
    chunks: list[tuple[int, int]] = []
    length, rate_hz = 0, 1
    for message in given:
        if isinstance(message, VideoFrame):
            times_ns.append(message.capture_ns)
            looks.append(look(message.pixels))
        elif isinstance(message, AudioGap):
            parts.append(np.zeros(message.length_samples, np.float32))
            length += message.length_samples
        elif isinstance(message, AudioChunk):
            chunks.append((length, message.capture_ns))
            parts.append(message.samples)
            length, rate_hz = length + message.samples.size, message.rate_hz
    order = np.argsort(np.array(times_ns, np.int64), kind="stable")
    firsts, stamps_ns = np.array(chunks, np.int64).reshape(-1, 2).T
    return Captured(
        times_ns=np.array(times_ns, np.int64)[order],
        looks=np.array(looks, np.float32).reshape(-1, *COARSE[::-1])[order],
        rate_hz=rate_hz,
        samples=np.concatenate([np.zeros(0, np.float32), *parts]),
        firsts=firsts,
        stamps_ns=stamps_ns,
    )


def look(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How light a picture (height, width, 3) is, coarsely: (h, w), 0..255."""
    return np.asarray(resized(pixels, *COARSE).mean(axis=2, dtype=np.float32))
