"""A source that has all its sound and pictures at hand and lets them out in media time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S
from realtime.messages import AudioChunk, End, Message, VideoFrame
from realtime.sources.pacing import Pace
from realtime.sources.samples import chunk_samples, samples_ns
from realtime.stage import Inputs, Outputs

MOST_PER_STEP = 16  # messages; a step of the fast pace ends here, so that a stop takes effect soon


class SoundTrack(Protocol):
    """Mono sound from position 0 on, without holes."""

    @property
    def rate_hz(self) -> int:
        """Samples per second."""

    def read(self, count: int) -> NDArray[np.float32]:
        """The next ``count`` samples, finite float32; fewer only at the end, then none."""

    def stats(self) -> Mapping[str, float]:
        """Counters."""

    def close(self) -> None:
        """Give the file back."""


class PictureTrack(Protocol):
    """Pictures, each with its position; positions never fall."""

    def peek_ns(self) -> int | None:
        """The position of the next picture; None at the end."""

    def take(self) -> NDArray[np.uint8]:
        """The next picture, BGR (height, width, 3), contiguous; only after ``peek_ns``."""

    def hurry(self, late_ns: int) -> None:
        """Pictures are let out ``late_ns`` after they are due: leave some out if that is much."""

    def stats(self) -> Mapping[str, float]:
        """Counters."""

    def close(self) -> None:
        """Give the file back."""


class Playback:
    """Emits the tracks on topics ``audio`` and ``video``, as much as the pace says is due.

    A chunk of sound is due when its last sample has been "played", as from a microphone; a
    picture at its position. In the fast pace the two are strictly interleaved by that time; in
    real time sound that is due comes first, because late sound is heard and a late picture is
    hardly seen.

    A track that is not wanted is None, and nothing at all is emitted for it. A wanted track that
    the medium lacks is given by a function that returns None: its topic ends at once.
    """

    def __init__(
        self,
        *,
        stream: str,
        pace: Pace,
        open_sound: Callable[[], SoundTrack] | None,
        open_pictures: Callable[[], PictureTrack | None] | None,
    ) -> None:
        self._stream = stream
        self._pace = pace
        self._open_sound = open_sound
        self._open_pictures = open_pictures
        self._sound: SoundTrack | None = None
        self._pictures: PictureTrack | None = None
        self._chunk: NDArray[np.float32] | None = None
        self._first_sample = 0
        self._position_ns = 0  # of what has been let out
        self._sequences: dict[str, int] = {}
        self._opened = False

    def open(self) -> None:
        """Open the tracks.

        Raises:
            UsageError: a track cannot be had; the message says which and why.
        """
        if self._open_sound is not None:
            self._sound = self._open_sound()
            self._sequences["audio"] = 0
        if self._open_pictures is not None:
            self._pictures = self._open_pictures()
            self._sequences["video"] = 0
        self._opened = True

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Let out what is due, waiting for it up to 20 ms."""
        out: list[tuple[str, Message]] = []
        upcoming = self._upcoming()
        for ended in [topic for topic in self._sequences if topic not in upcoming]:
            out.append((ended, self._end(ended)))
        if not upcoming or out:
            return out
        self._pace.wait(min(upcoming.values()))
        due_ns = self._pace.due_ns()
        while len(out) < MOST_PER_STEP:
            topic = self._next_topic(upcoming, due_ns)
            if topic is None:
                break
            out.append((topic, self._chunk_message() if topic == "audio" else self._frame()))
            if topic == "video" and due_ns is not None:
                break  # decoding the next one takes time, and sound may have become due
            upcoming = self._upcoming()
        if self._pictures is not None and due_ns is not None and "video" in upcoming:
            self._pictures.hurry(due_ns - upcoming["video"])
        return out

    @property
    def finished(self) -> bool:
        """Whether every wanted topic has ended."""
        return self._opened and not self._sequences

    def close(self) -> None:
        """Close the tracks."""
        for track in (self._sound, self._pictures):
            if track is not None:
                track.close()

    def stats(self) -> Mapping[str, float]:
        """The counters of both tracks, and the position in the recording."""
        tracks = (self._sound, self._pictures)
        told = {
            name: value
            for track in tracks
            if track is not None
            for name, value in track.stats().items()
        }
        return {**told, "position_s": self._position_ns / NS_PER_S}

    def _upcoming(self) -> dict[str, int]:
        """When the next message of each topic that goes on is due, as a position in ns."""
        upcoming: dict[str, int] = {}
        if "audio" in self._sequences and self._sound is not None:
            if self._chunk is None:
                count = chunk_samples(self._sound.rate_hz, self._pace.chunks_per_s)
                self._chunk = self._sound.read(count)
            if self._chunk.size:
                end = self._first_sample + self._chunk.size
                upcoming["audio"] = samples_ns(end, self._sound.rate_hz)
        if "video" in self._sequences and self._pictures is not None:
            media_ns = self._pictures.peek_ns()
            if media_ns is not None:
                upcoming["video"] = media_ns
        return upcoming

    @staticmethod
    def _next_topic(upcoming: Mapping[str, int], due_ns: int | None) -> str | None:
        if not upcoming:
            return None
        if due_ns is None:
            return min(upcoming, key=lambda topic: upcoming[topic])
        for topic in ("audio", "video"):
            if topic in upcoming and upcoming[topic] <= due_ns:
                return topic
        return None

    def _chunk_message(self) -> AudioChunk:
        assert self._sound is not None
        assert self._chunk is not None
        message = AudioChunk(
            stream=self._stream,
            sequence=self._next_sequence("audio"),
            capture_ns=self._pace.capture_ns(samples_ns(self._first_sample, self._sound.rate_hz)),
            first_sample=self._first_sample,
            rate_hz=self._sound.rate_hz,
            samples=self._chunk,
        )
        self._first_sample += self._chunk.size
        self._reached(samples_ns(self._first_sample, self._sound.rate_hz))
        self._chunk = None
        return message

    def _frame(self) -> VideoFrame:
        assert self._pictures is not None
        media_ns = self._pictures.peek_ns()
        assert media_ns is not None
        self._reached(media_ns)
        return VideoFrame(
            stream=self._stream,
            sequence=self._next_sequence("video"),
            capture_ns=self._pace.capture_ns(media_ns),
            pixels=self._pictures.take(),
        )

    def _reached(self, media_ns: int) -> None:
        self._position_ns = max(self._position_ns, media_ns)

    def _end(self, topic: str) -> End:
        sequence = self._sequences.pop(topic)
        return End(stream=self._stream, sequence=sequence, topic=topic)

    def _next_sequence(self, topic: str) -> int:
        sequence = self._sequences[topic]
        self._sequences[topic] += 1
        return sequence
