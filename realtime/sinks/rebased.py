"""Sound as if it had begun later, or ended earlier: for a recording of a part of a run. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, AudioGap, Message, Streams


def rebased(messages: Sequence[Message], origin: int) -> list[Message]:
    """Messages, their samples counted from sample ``origin`` on.

    What lies before that is left out; what is no sound stays as it is.
    """
    return [moved for one in messages if (moved := _moved(one, origin)) is not None]


def until(messages: Sequence[Message], stop: int) -> list[Message]:
    """Messages without what lies from sample ``stop`` on; what is no sound stays as it is."""
    return [cut for one in messages if (cut := _cut(one, stop)) is not None]


def _cut(message: Message, stop: int) -> Message | None:
    if isinstance(message, AudioGap):
        length = min(message.length_samples, stop - message.first_sample)
        return dataclasses.replace(message, length_samples=length) if length > 0 else None
    if not isinstance(message, AudioChunk | Streams):
        return message
    length = max(stop - message.first_sample, 0)
    if not length:
        return None
    return dataclasses.replace(message, samples=np.ascontiguousarray(message.samples[..., :length]))


def _moved(message: Message, origin: int) -> Message | None:
    if isinstance(message, AudioGap):
        stop = message.first_sample + message.length_samples
        first = max(message.first_sample, origin)
        if stop <= first:
            return None
        return dataclasses.replace(
            message, first_sample=first - origin, length_samples=stop - first
        )
    if not isinstance(message, AudioChunk | Streams):
        return message
    before = max(origin - message.first_sample, 0)
    samples = message.samples[..., before:]
    if not samples.shape[-1]:
        return None
    return dataclasses.replace(
        message,
        capture_ns=message.capture_ns + round(before * NS_PER_S / message.rate_hz),
        first_sample=message.first_sample + before - origin,
        samples=np.ascontiguousarray(samples),
    )
