"""Backgrounds: clutter, and what is beside the instruments in photographs."""

from collections.abc import Callable

import numpy as np
import pytest

from training.grounds import dead_leaves, panes, surroundings
from training.photos import Photos


def photos(count: int, evidence_at: slice) -> Photos:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (count, 224, 224, 3), np.uint8)
    where = np.zeros((10, 10), np.uint8)
    where[evidence_at] = 255
    for picture in pixels:
        picture[: 224 * where.any(axis=1).sum() // 10] += 130  # the instrument is bright
    names = np.array([f"bell/{number}" for number in range(count)])
    return Photos(
        pixels=pixels,
        labels=np.array(["bell"] * count),
        names=names,
        held_out=np.arange(count) % 2 == 1,
        evidence=dict.fromkeys(names.tolist(), where),
    )


def test_surroundings_show_nothing_of_the_instrument() -> None:
    cut = surroundings(photos(12, np.s_[:3]), 100, np.random.default_rng(1))
    assert 1 <= len(cut) <= 6  # of the pictures that are learned from, at most one each
    for picture in cut:
        assert picture.shape == (224, 224, 3)
        assert picture.mean() < 90


def test_a_photograph_full_of_instrument_has_no_surroundings() -> None:
    assert surroundings(photos(4, np.s_[:]), 100, np.random.default_rng(1)) == []


@pytest.mark.parametrize("draw", [dead_leaves, panes])
def test_clutter_has_edges_and_comes_out_the_same_again(
    draw: Callable[[np.random.Generator], np.ndarray],
) -> None:
    one = draw(np.random.default_rng(3))
    assert one.shape == (224, 224, 3)
    assert np.abs(np.diff(one.astype(int), axis=1)).max() > 30
    np.testing.assert_array_equal(one, draw(np.random.default_rng(3)))
    assert (one != draw(np.random.default_rng(4))).any()
