"""The lock-free ring between an audio callback and the rest."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from realtime.ring import Ring


def rows(start: int, count: int) -> np.ndarray:
    index = np.arange(start, start + count, dtype=np.float32)
    return np.stack([index, -index], axis=1)


def test_what_goes_in_comes_out_in_order() -> None:
    ring = Ring(7, 2, np.float32)
    random = np.random.default_rng(1)
    written = taken = 0
    while taken < 500:
        written += ring.write(rows(written, int(random.integers(0, 9))))
        got = ring.read(int(random.integers(0, 9)))
        np.testing.assert_array_equal(got, rows(taken, len(got)))
        taken += len(got)
        assert ring.queued == written - taken
        assert ring.free == 7 - ring.queued


def test_a_full_ring_refuses_the_newest() -> None:
    ring = Ring(4, 2, np.float32)
    assert ring.write(rows(0, 6)) == 4
    assert ring.write(rows(6, 1)) == 0
    np.testing.assert_array_equal(ring.read(9), rows(0, 4))
    assert ring.written == 4


def test_read_into_leaves_the_rest_alone() -> None:
    ring = Ring(4, 2, np.float32)
    ring.write(rows(1, 2))
    out = np.full((3, 2), 9, np.float32)
    assert ring.read_into(out) == 2
    np.testing.assert_array_equal(out[:2], rows(1, 2))
    assert (out[2] == 9).all()


def test_skip() -> None:
    ring = Ring(4, 2, np.float32)
    ring.write(rows(0, 4))
    assert ring.skip(3) == 3
    np.testing.assert_array_equal(ring.read(4), rows(3, 1))
    assert ring.skip(1) == 0


def test_integers_keep_all_their_bits() -> None:
    ring = Ring(2, 1, np.int64)
    ring.write(np.array([[2**62 + 1]]))
    assert ring.read(1)[0, 0] == 2**62 + 1


def test_one_writer_and_one_reader_in_two_threads() -> None:
    ring = Ring(64, 2, np.float32)
    total = 2_000

    def write() -> None:
        written = 0
        while written < total:
            written += ring.write(rows(written, min(50, total - written)))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    taken = 0
    while taken < total:
        got = ring.read(37)
        np.testing.assert_array_equal(got, rows(taken, len(got)))
        taken += len(got)
    writer.join(10)


def test_nonsense_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="got 0 and 1"):
        Ring(0, 1, np.float32)
