"""``--duration``: a source's messages up to an exact instant, whatever the source is.

Of a camera that is gone nothing comes that could be cut: its end is then the clock's.
"""

from __future__ import annotations

import dataclasses

from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, AudioGap, End, Message, VideoFrame
from realtime.stage import Outputs

OVERDUE_NS = NS_PER_S // 2  # a picture may be under way for that long, and still be the last


class Limit:
    """Cuts each topic at ``duration_s`` after its first sample or picture, and ends it there."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._origins_ns: dict[str, int] = {}
        self._ended: set[str] = set()
        self._after: dict[str, End] = {}  # of topics with pictures: what would end them now

    def cut(self, outputs: Outputs) -> list[tuple[str, Message]]:
        """What of ``outputs`` lies before the end, and an ``End`` where a topic reaches it."""
        kept: list[tuple[str, Message]] = []
        for topic, message in outputs:
            if topic in self._ended:
                continue
            part = self._part(topic, message)
            if part is not None:
                kept.append((topic, part))
            if isinstance(message, End):
                self._after.pop(topic, None)
                continue
            end = End(stream=message.stream, sequence=message.sequence + 1, topic=topic)
            if part is not message:
                kept.append((topic, end))
                self._ended.add(topic)
            elif isinstance(message, VideoFrame):
                self._after[topic] = end
        return kept

    def overdue(self, now_ns: int) -> list[tuple[str, Message]]:
        """The ends of topics whose last picture should have come long ago; live, where times of
        capture are the clock's.
        """
        ends: list[tuple[str, Message]] = []
        for topic, end in self._after.items():
            due_ns = self._origins_ns[topic] + self._duration_s * NS_PER_S + OVERDUE_NS
            if topic not in self._ended and now_ns > due_ns:
                ends.append((topic, end))
                self._ended.add(topic)
        return ends

    def _part(self, topic: str, message: Message) -> Message | None:
        if isinstance(message, VideoFrame):
            origin_ns = self._origins_ns.setdefault(topic, message.capture_ns)
            is_inside = message.capture_ns - origin_ns < self._duration_s * NS_PER_S
            return message if is_inside else None
        if isinstance(message, AudioChunk | AudioGap):
            return self._sound(topic, message)
        return message

    def _sound(self, topic: str, message: AudioChunk | AudioGap) -> AudioChunk | AudioGap | None:
        first = self._origins_ns.setdefault(topic, message.first_sample)
        left = first + round(self._duration_s * message.rate_hz) - message.first_sample
        if left <= 0:
            return None
        if isinstance(message, AudioGap):
            if message.length_samples <= left:
                return message
            return dataclasses.replace(message, length_samples=left)
        if message.samples.size <= left:
            return message
        return dataclasses.replace(message, samples=message.samples[:left])
