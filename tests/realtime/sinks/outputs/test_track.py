from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.messages import AudioChunk
from realtime.options import Tap
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.outputs.track import LONGEST_FILL_S, Track
from tests.realtime.sinks.examples import RATE_HZ, streams

SLOTS = 3


def noise(rows: int, samples: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal((rows, samples)).astype(np.float32)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_pieces_of_any_size_are_one_track(sizes: list[int]) -> None:
    rows = noise(3, sum(sizes))
    track, made, first = Track(Slots(SLOTS)), [], 0
    for size in sizes:
        piece = rows[:, first : first + size]
        made.append(track.feed(streams(piece, first, object_ids=(5, 2))))
        first += size
    whole = np.concatenate(made, axis=1)
    np.testing.assert_array_equal(whole, [rows[0], rows[1], np.zeros(first), rows[2]])


def test_the_rows_sum_to_the_mixture_also_where_slots_are_short() -> None:
    rows = noise(6, 500)
    made = Track(Slots(SLOTS)).feed(streams(rows))
    assert made is not None and made.shape == (SLOTS + 1, 500)
    np.testing.assert_allclose(made.sum(axis=0), rows.sum(axis=0), atol=1e-5)


def test_a_hole_is_silence_and_counted() -> None:
    track = Track(Slots(SLOTS))
    track.feed(streams(noise(2, 100), 0))
    made = track.feed(streams(noise(2, 100), 150))
    assert made is not None and made.shape[1] == 150
    assert not made[:, :50].any()
    np.testing.assert_array_equal(made[0, 50:], noise(2, 100)[0])
    assert (track.filled_samples, track.cut_samples) == (50, 0)


@pytest.mark.parametrize(("tap", "gain"), [("pre-fader", 1.0), ("post-fader", 2.0)])
def test_a_hole_is_the_mixture_where_it_is_known(tap: Tap, gain: float) -> None:
    track, mixture = Track(Slots(SLOTS), tap), noise(1, 400)[0]
    chunk = AudioChunk(
        stream="test", sequence=0, capture_ns=0, first_sample=0, rate_hz=RATE_HZ, samples=mixture
    )
    track.hear(chunk)
    track.feed(streams(noise(2, 100), 0, gains=[0.5, 2.0]))
    made = track.feed(streams(noise(2, 100), 150, gains=[0.5, 2.0]))
    assert made is not None
    np.testing.assert_array_equal(made[-1, :50], np.float32(gain) * mixture[100:150])
    assert not made[:-1, :50].any()


def test_of_a_hole_without_an_end_only_so_much_is_filled() -> None:
    track = Track(Slots(SLOTS))
    track.feed(streams(noise(2, 100), 0))
    most = round(LONGEST_FILL_S * RATE_HZ)
    made = track.feed(streams(noise(2, 100), 100 + most + 70))
    assert made is not None and made.shape[1] == most + 100
    assert (track.filled_samples, track.cut_samples) == (most, 70)


def test_what_comes_twice_is_left_out() -> None:
    track, rows = Track(Slots(SLOTS)), noise(2, 300)
    track.feed(streams(rows[:, :200], 0))
    assert track.feed(streams(rows[:, 50:200], 50)) is None
    made = track.feed(streams(rows[:, 100:300], 100))
    assert made is not None
    np.testing.assert_array_equal(made[0], rows[0, 200:])
    assert track.filled_samples == 0


def test_behind_the_faders_gains_are_heard_and_go_there_softly() -> None:
    track, ones = Track(Slots(SLOTS), "post-fader"), np.ones((2, 400))
    first = track.feed(streams(ones, 0, gains=[0.5, 1.0]))
    then = track.feed(streams(ones, 400, gains=[2.0, 0.0]))
    assert first is not None and then is not None
    assert np.all(first[0] == 0.5) and np.all(first[-1] == 1.0)
    for row, last in ((0, 2.0), (-1, 0.0)):
        both = np.concatenate([first[row], then[row]])
        assert np.abs(np.diff(both)).max() < 0.03
        assert both[-1] == last


@given(st.lists(st.integers(1, 120), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_behind_the_faders_pieces_of_any_size_are_one_track(sizes: list[int]) -> None:
    rows = noise(2, 100 + sum(sizes))

    def made(sizes: list[int]) -> np.ndarray:
        track = Track(Slots(SLOTS), "post-fader")
        pieces, first = [track.feed(streams(rows[:, :100], 0))], 100
        for size in sizes:
            piece = streams(rows[:, first : first + size], first, gains=[0.25, 2.0])
            pieces.append(track.feed(piece))
            first += size
        return np.concatenate(pieces, axis=1)

    np.testing.assert_allclose(made(sizes), made([sum(sizes)]), atol=1e-6)


def test_before_the_faders_gains_change_nothing() -> None:
    rows = noise(2, 100)
    made = Track(Slots(SLOTS)).feed(streams(rows, 0, gains=[0.0, 3.0]))
    assert made is not None
    np.testing.assert_array_equal(made[[0, -1]], rows)
