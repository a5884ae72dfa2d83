from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.clock import NS_PER_S
from realtime.limit import OVERDUE_NS, Limit
from realtime.messages import AudioChunk, AudioGap, End, Message
from tests.fakes.messages import chunk, end, frame


def sound(limit: Limit, sizes: list[int]) -> list[Message]:
    """Chunks of these sizes at 1000 Hz, from sample 500 on."""
    kept: list[Message] = []
    first = 500
    for size in sizes:
        message = dataclasses.replace(
            chunk(rate_hz=1000), first_sample=first, samples=np.zeros(size, np.float32)
        )
        kept += [item for _, item in limit.cut([("audio", message)])]
        first += size
    return kept


@pytest.mark.parametrize("sizes", [[30] * 20, [1] * 200, [100, 100], [7, 93, 1], [500]])
def test_sound_is_cut_to_the_sample(sizes: list[int]) -> None:
    kept = sound(Limit(0.1), sizes)
    chunks = [item for item in kept if isinstance(item, AudioChunk)]
    assert sum(item.samples.size for item in chunks) == 100
    assert [type(item) for item in kept[len(chunks) :]] == [End]


def test_gaps_count() -> None:
    limit = Limit(0.1)
    gap = AudioGap(stream="s", sequence=0, first_sample=0, length_samples=300, rate_hz=1000)
    (topic, cut), (_, last) = limit.cut([("audio", gap)])
    assert topic == "audio"
    assert isinstance(cut, AudioGap)
    assert cut.length_samples == 100
    assert isinstance(last, End)


def test_pictures_end_at_the_first_that_is_too_late() -> None:
    limit = Limit(1.0)
    frames = [dataclasses.replace(frame(count), capture_ns=7 + count * 400_000_000)
              for count in range(5)]  # fmt: skip
    kept = limit.cut([("video", item) for item in frames])
    assert [type(item).__name__ for _, item in kept] == ["VideoFrame"] * 3 + ["End"]


def test_topics_end_by_themselves_and_once() -> None:
    limit = Limit(1.0)
    assert [topic for topic, _ in limit.cut([("video", end("video"))])] == ["video"]
    kept = limit.cut([("audio", dataclasses.replace(chunk(), samples=np.zeros(9000, np.float32)))])
    assert len(kept) == 2
    assert limit.cut([("audio", chunk(9000)), ("audio", end("audio"))]) == []


def test_pictures_that_stay_away_end_by_the_clock_once() -> None:
    limit = Limit(1.0)
    begun_ns = 7 * NS_PER_S
    limit.cut([("video", dataclasses.replace(frame(3), capture_ns=begun_ns)), ("audio", chunk(0))])
    assert limit.overdue(begun_ns + NS_PER_S + OVERDUE_NS) == []
    ((topic, last),) = limit.overdue(begun_ns + NS_PER_S + OVERDUE_NS + 1)
    assert isinstance(last, End)
    assert (topic, last.topic, last.stream, last.sequence) == ("video", "video", "s", 4)
    assert limit.overdue(begun_ns + 9 * NS_PER_S) == []
    assert limit.cut([("video", dataclasses.replace(frame(4), capture_ns=begun_ns + 1))]) == []


def test_pictures_that_have_ended_are_not_ended_again() -> None:
    limit = Limit(1.0)
    limit.cut([("video", dataclasses.replace(frame(0), capture_ns=0)), ("video", end("video", 1))])
    assert limit.overdue(10 * NS_PER_S) == []
