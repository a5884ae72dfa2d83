"""Sound in pieces that end where a column is complete: as soon as from blocks, and fewer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest

from pixelplayer.spec import Analysis
from pixelplayer.stft import StreamingStft, low_delay
from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.messages import AudioChunk, AudioGap, End, Message, VideoFrame
from realtime.sources.gathered import Columns, Gathered
from realtime.stage import Inputs, Outputs
from tests.fakes.clock import FakeClock
from tests.fakes.pixel_model import SPEC, band_noise

RATE_HZ = 8000
ANALYSIS = SPEC.audio.at_rate(RATE_HZ)
FIRST_COLUMN = ANALYSIS.n_fft // 2  # samples until it is complete
SOUND = band_noise("red", 3, 20_000)


def columns(rate_hz: int) -> Columns:
    return Columns.of(SPEC.audio.at_rate(rate_hz))


def chunk(first_sample: int, stop: int, late_ns: int = 0) -> tuple[str, Message]:
    return "audio", AudioChunk(
        stream="t",
        sequence=first_sample,
        capture_ns=late_ns + first_sample * NS_PER_S // RATE_HZ,
        first_sample=first_sample,
        rate_hz=RATE_HZ,
        samples=SOUND[first_sample:stop],
    )


class Steps:
    """A source that gives some messages with every step."""

    finished = False

    def __init__(
        self,
        steps: Sequence[Sequence[tuple[str, Message]]],
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._steps = list(steps)
        self._wait = wait

    def open(self) -> None:
        """Nothing."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        self._wait()
        return self._steps.pop(0)

    def close(self) -> None:
        """Nothing."""

    def stats(self) -> Mapping[str, float]:
        return {}


def blocks(seed: int, most: int = 200) -> list[tuple[str, Message]]:
    sizes = np.random.default_rng(seed).integers(1, most, 1000).cumsum()
    edges = [0, *sizes[sizes < len(SOUND)].tolist(), len(SOUND)]
    return [chunk(start, stop) for start, stop in pairwise(edges)]


def counted(stft: StreamingStft, messages: Sequence[tuple[str, Message]]) -> int:
    chunks = [message for _, message in messages if isinstance(message, AudioChunk)]
    return sum(stft.feed(one.samples).shape[1] for one in chunks)


def both(analysis: Analysis) -> list[StreamingStft]:
    return [StreamingStft(analysis), StreamingStft(analysis, low_delay(analysis))]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_column_is_complete_as_soon_as_from_blocks(seed: int) -> None:
    given = blocks(seed)
    source = Gathered(Steps([[one] for one in given]), columns)
    from_blocks, from_pieces = both(ANALYSIS), both(ANALYSIS)
    pieces: list[AudioChunk] = []
    for one in given:
        outputs = source.step(0, {})
        pieces += [message for _, message in outputs if isinstance(message, AudioChunk)]
        for early, late in zip(from_blocks, from_pieces, strict=True):
            found = counted(late, outputs)
            assert found == counted(early, [one])
            assert found or not outputs or _stop(outputs[0][1]) < FIRST_COLUMN + 200
    heard = np.concatenate([piece.samples for piece in pieces])
    np.testing.assert_array_equal(heard, SOUND[: len(heard)])
    for before, after in pairwise(pieces):
        assert after.first_sample == before.first_sample + before.samples.size
        assert after.capture_ns == after.first_sample * NS_PER_S // RATE_HZ


def test_of_the_shipped_transform_as_well() -> None:
    audio = SPEC.audio.at_rate(44_100)
    assert columns(44_100).missing(audio.n_fft // 2) == audio.hop
    assert columns(44_100).missing(audio.n_fft // 2 - 1) == 1


@pytest.mark.parametrize(
    "last",
    [
        AudioGap(stream="t", sequence=9, first_sample=30, length_samples=50, rate_hz=RATE_HZ),
        End(stream="t", sequence=9, topic="audio"),
    ],
)
def test_nothing_waits_beyond_a_gap_or_the_end(last: Message) -> None:
    source = Gathered(Steps([[chunk(0, 20)], [chunk(20, 30)], [("audio", last)]]), columns)
    assert not source.step(0, {})
    assert not source.step(0, {})
    (_, piece), (topic, told) = source.step(0, {})
    assert isinstance(piece, AudioChunk)
    assert (piece.first_sample, piece.samples.size) == (0, 30)
    assert (topic, told) == ("audio", last)


def test_what_does_not_follow_is_a_piece_of_its_own() -> None:
    hop = ANALYSIS.hop
    source = Gathered(Steps([[chunk(0, 20)], [chunk(25, 30)], [chunk(30, 30 + hop)]]), columns)
    assert not source.step(0, {})
    assert [one.samples.size for _, one in source.step(0, {})] == [20]  # type: ignore[union-attr]
    assert [one.samples.size for _, one in source.step(0, {})] == [5 + hop]  # type: ignore[union-attr]


def test_pictures_do_not_wait() -> None:
    pixels = np.zeros((2, 2, 3), np.uint8)
    frame = VideoFrame(stream="t", sequence=0, capture_ns=0, pixels=pixels)
    source = Gathered(Steps([[chunk(0, 20), ("video", frame)]]), columns)
    assert source.step(0, {}) == [("video", frame)]


def test_it_rests_until_a_column_can_be_complete() -> None:
    """A device that gives 1 ms at a time, 7 ms late: it is hardly asked in between."""
    clock = FakeClock()
    edges = range(0, len(SOUND), RATE_HZ // 1000)
    given = [chunk(start, stop) for start, stop in pairwise(edges)]
    looks = 0

    class Device(Steps):
        """Gives what is there by now; waits where that is nothing."""

        def step(self, now_ns: int, inputs: Inputs) -> Outputs:
            nonlocal looks
            looks += 1
            found: list[tuple[str, Message]] = []
            while given and _stop(given[0][1]) + 7 * RATE_HZ // 1000 <= clock.now_ns() / 125_000:
                found.append(given.pop(0))
            if not found:
                clock.sleep_s(0.0004)
            return found

    source = Gathered(Device([]), columns, clock)
    stft, waited_ns = StreamingStft(ANALYSIS), []
    found = 0
    while clock.now_ns() < 2 * NS_PER_S:
        outputs = source.step(clock.now_ns(), {})
        if outputs:
            found += counted(stft, outputs)
            stop = (found - 1) * ANALYSIS.hop + FIRST_COLUMN
            waited_ns.append(clock.now_ns() - stop * NS_PER_S // RATE_HZ)
    assert found > 100
    assert len(waited_ns) - found == (FIRST_COLUMN - 1) // ANALYSIS.hop
    assert max(waited_ns) < 9 * NS_PER_MS
    assert looks < 8 * found


def _stop(message: Message) -> int:
    assert isinstance(message, AudioChunk)
    return message.first_sample + message.samples.size
