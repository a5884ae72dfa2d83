"""The mixture goes on where no streams come."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.messages import AudioChunk, AudioGap, Message, Streams
from realtime.sinks.carrier import KEPT_S, Carrier, joined

RATE_HZ = 8000


def chunk(samples: np.ndarray, first_sample: int, rate_hz: int = RATE_HZ) -> AudioChunk:
    return AudioChunk(
        stream="t",
        sequence=0,
        capture_ns=10**9 + first_sample * 10**9 // rate_hz,
        first_sample=first_sample,
        rate_hz=rate_hz,
        samples=samples,
    )


def gap(first_sample: int, length: int) -> AudioGap:
    return AudioGap(
        stream="t", sequence=0, first_sample=first_sample, length_samples=length, rate_hz=RATE_HZ
    )


def heard(*messages: Message) -> Carrier:
    carrier = Carrier()
    for message in messages:
        carrier.hear(message)
    return carrier


def test_any_part_of_it_is_given_however_it_came() -> None:
    rng = np.random.default_rng(1)
    samples = rng.standard_normal(round(2.2 * KEPT_S * RATE_HZ)).astype(np.float32)
    carrier, place = Carrier(), 0
    while place < len(samples):
        length = int(rng.integers(1, 3000))
        carrier.hear(chunk(samples[place : place + length], place))
        place += length
    last = carrier.carry(len(samples) - 50_000, len(samples), RATE_HZ)
    assert last is not None
    np.testing.assert_array_equal(last.samples[0], samples[-50_000:])
    assert last.capture_ns == 10**9 + (len(samples) - 50_000) * 10**9 // RATE_HZ
    assert (last.object_ids, last.gains, last.pans) == ((), (1.0,), (0.0,))
    assert carrier.carry(len(samples) - 1, len(samples) + 1, RATE_HZ) is None  # yet to come
    assert carrier.carry(0, 10, RATE_HZ) is None  # forgotten
    assert carrier.carry(len(samples) - 9, len(samples), 2 * RATE_HZ) is None


def test_what_was_lost_is_silent_and_what_comes_twice_counts_once() -> None:
    ones = np.ones(100, np.float32)
    carrier = heard(chunk(ones, 1000), gap(1100, 50), chunk(2 * ones, 1200), chunk(3 * ones, 1250))
    found = carrier.carry(1000, 1350, RATE_HZ)
    assert found is not None
    expected = np.concatenate([ones, 0 * ones, 2 * ones, 3 * ones[:50]])
    np.testing.assert_array_equal(found.samples[0], expected)
    long = heard(chunk(ones, 0), gap(100, 10**8), chunk(ones, 100 + 10**8))
    found = long.carry(50 + 10**8, 200 + 10**8, RATE_HZ)
    assert found is not None
    np.testing.assert_array_equal(found.samples[0], np.repeat([0, 1], [50, 100]))


def test_it_is_as_loud_as_the_loudest_stream() -> None:
    carrier = heard(chunk(np.ones(100, np.float32), 0))
    carrier.follow(
        Streams(
            stream="t",
            sequence=0,
            capture_ns=0,
            first_sample=0,
            rate_hz=RATE_HZ,
            object_ids=(1, 2),
            samples=np.zeros((3, 10), np.float32),
            gains=(0.0, 2.0, 1.0),
            pans=(0.0, 0.0, 0.0),
        )
    )
    found = carrier.carry(0, 10, RATE_HZ)
    assert found is not None
    assert found.gains == (2.0,)


@pytest.mark.parametrize("length", [1, 50, 1000])
def test_the_streams_take_over_softly(length: int) -> None:
    before = np.full((2, length), 1.0, np.float32)
    after = np.full((2, length), 0.5, np.float32)
    mixed = joined(before, after, RATE_HZ)
    assert np.abs(np.diff(mixed)).max(initial=0.0) < 0.02
    assert (np.diff(mixed) <= 0).all()
    assert (mixed[:, 160:] == 0.5).all()
    assert mixed.shape == after.shape
