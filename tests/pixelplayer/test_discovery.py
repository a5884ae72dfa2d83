from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.discovery import Grid, Likeness, discover, exclusive, explained, heart


def likeness(background: np.ndarray, scale: np.ndarray | None = None) -> Likeness:
    measure = Likeness(np.ones(4, np.float32) if scale is None else scale, 0.1, 0.25)
    measure.look(np.repeat(background[np.newaxis], 16, axis=0).astype(np.float32), 1.0)
    return measure


A, B, C = np.eye(4, dtype=np.float32)[:3]
GREY = np.full(4, 0.2, np.float32)


def test_likeness_looks_past_the_background_and_the_strength() -> None:
    measure = likeness(GREY)
    strong, weak, other = GREY + 0.7 * A, GREY + 0.3 * A, GREY + 0.7 * B
    cosine = measure.between(strong[np.newaxis], np.stack([strong, weak, other, GREY]))[0]
    assert cosine[0] == pytest.approx(1, abs=1e-5)
    assert cosine[1] > 0.95
    assert cosine[2] < 0.05
    assert cosine[3] < 0.2
    noise = np.stack([GREY + 0.01 * A, GREY + 0.01 * B])
    assert measure.between(noise, noise).min() > 0.95


def test_channels_count_by_what_they_do_to_a_mask() -> None:
    measure = likeness(GREY, np.array([1, 1, 0, 0], np.float32))
    one, other = GREY + 0.7 * A, GREY + 0.7 * A + 0.7 * C
    assert measure.between(one[np.newaxis], other[np.newaxis])[0, 0] == pytest.approx(1)


def test_blends_of_neighbours_and_background_are_recognised() -> None:
    measure = likeness(GREY)
    pair = np.stack([GREY + 0.7 * A, GREY + 0.7 * B])
    assert measure.is_blend(GREY + 0.35 * A + 0.35 * B, pair, 0.4)
    assert measure.is_blend(GREY + 0.2 * A, pair, 0.4)
    assert not measure.is_blend(GREY + 0.7 * C, pair, 0.4)
    assert not measure.is_blend(GREY + 0.7 * A + 0.7 * B, pair, 0.4)
    assert not measure.is_blend(GREY + 0.7 * A, pair[:0], 0.4)


def test_grid_knows_pieces_boxes_and_cells() -> None:
    grid = Grid(4, 8, reach_cells=2)
    cells = np.zeros((4, 8), bool)
    cells[1, 0] = cells[1, 2] = cells[2, 5] = True
    first, second = grid.pieces(cells.ravel())
    assert np.flatnonzero(first).tolist() == [8, 10]
    assert np.flatnonzero(second).tolist() == [21]
    assert not grid.touch(first, second)
    assert grid.box(first) == (0, 0.25, 3 / 8, 0.5)
    assert grid.cell_at(0, 0) == 0
    assert grid.cell_at(1, 1) == 31
    np.testing.assert_allclose(grid.centres[21], (5.5 / 8, 2.5 / 4))


def test_discovery_splits_what_looks_different_and_what_is_apart() -> None:
    grid = Grid(4, 8, reach_cells=1)
    cells = np.repeat(GREY[np.newaxis], 32, axis=0)
    salience = np.full(32, 0.1, np.float32)
    for cell, kind in ((8, A), (9, A), (10, B), (11, B), (15, A)):
        cells[cell] = GREY + 0.7 * kind
    salience[10] = 0.9
    free = np.zeros(32, bool)
    free[[8, 9, 10, 11, 15]] = True
    groups = discover(cells, salience, free, likeness=likeness(GREY), grid=grid, alike=0.8)
    assert [np.flatnonzero(group).tolist() for group in groups] == [[10, 11], [8, 9], [15]]


def test_the_heart_of_an_object_is_where_it_is_salient() -> None:
    salience = np.array([0.5, 1.0, 0.9, 0.0], np.float32)
    chosen = np.array([True, True, False, True])
    weights = heart(salience, chosen, 6.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[1] > 0.98


def test_exclusive_is_what_the_others_do_not_let_through() -> None:
    amplitude = np.array([0.5, 0.5], np.float32)
    mask = np.array([0.8, 0.3], np.float32)
    others = np.array([[0.1, 0.9], [0.2, 0.0]], np.float32)
    assert exclusive(mask, others, amplitude) == pytest.approx(0.3)
    assert exclusive(mask, others[:0], amplitude) == pytest.approx(0.55)


def test_explained_is_what_at_least_one_lets_through() -> None:
    amplitude = np.array([0.5, 0.3, 0.2], np.float32)
    masks = np.array([[0.8, 0.0, 0.1], [0.2, 0.5, 0.0]], np.float32)
    assert explained(masks, amplitude) == pytest.approx(0.4 + 0.15 + 0.02)
    assert explained(masks[:0], amplitude) == 0
