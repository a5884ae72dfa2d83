"""The band's instruments and stage, seen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pixelplayer.band import INSTRUMENTS, backdrop, draw
from pixelplayer.band.canvas import Canvas, box, paste
from pixelplayer.band.gallery import Gallery


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_seed_is_a_look(instrument: str) -> None:
    sprite = draw(instrument, 96, 5, 0.3)
    assert sprite.shape == (96, 96, 4)
    assert sprite.dtype == np.uint8
    np.testing.assert_array_equal(sprite, draw(instrument, 96, 5, 0.3))
    assert not np.array_equal(sprite, draw(instrument, 96, 6, 0.3))


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_an_instrument_fits_its_square_and_is_smooth_at_its_edges(instrument: str) -> None:
    for seed, phase in itertools.product(range(4), (0.0, 0.25, 0.5)):
        alpha = draw(instrument, 96, seed, phase)[..., 3]
        border = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
        assert border.max() == 0
        assert 0.05 < (alpha > 0).mean() < 0.5
        assert ((alpha > 0) & (alpha < 255)).sum() > 100


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_playing_moves_the_instrument(instrument: str) -> None:
    poses = [draw(instrument, 96, 2, phase).astype(int) for phase in (0.0, 0.15, 0.3, 0.5, 0.8)]
    for before, after in itertools.pairwise(poses):
        assert (np.abs(before - after).max(axis=-1) > 40).sum() > 20
    np.testing.assert_array_equal(poses[1], draw(instrument, 96, 2, 1.15))


def test_shapes_are_unlike_one_another() -> None:
    """Silhouettes of two different instruments overlap less than two looks of the same one."""
    shapes = {
        name: [draw(name, 64, seed, 0.1)[..., 3] > 127 for seed in range(6)] for name in INSTRUMENTS
    }
    for one, other in itertools.combinations(INSTRUMENTS, 2):
        assert _overlap(shapes[one], shapes[other]) < 0.9 * min(
            _overlap(shapes[one], shapes[one]), _overlap(shapes[other], shapes[other])
        )


def test_an_unknown_instrument_or_size_is_named() -> None:
    with pytest.raises(ValueError, match="theremin"):
        draw("theremin", 64, 1, 0.0)
    with pytest.raises(ValueError, match="16 pixels"):
        draw("guitar", 4, 1, 0.0)
    with pytest.raises(ValueError, match="16 pixels"):
        backdrop(4, 40, 1)


@pytest.mark.parametrize(("height", "width"), [(360, 640), (90, 120), (64, 64)])
def test_a_stage_has_the_wished_size(height: int, width: int) -> None:
    stage = backdrop(height, width, 3)
    assert stage.shape == (height, width, 3)
    assert stage.dtype == np.uint8
    np.testing.assert_array_equal(stage, backdrop(height, width, 3))
    assert np.abs(stage.astype(int) - backdrop(height, width, 4)).mean() > 3.0


def test_colours_are_kept_and_edges_are_not_darkened() -> None:
    canvas = Canvas(32, 0.0, 1.0, 1)
    canvas.fill(box(0.26, 0.26, 0.74, 0.74), (200, 100, 50))
    sprite = canvas.sprite()
    assert tuple(sprite[16, 16]) == (200, 100, 50, 255)
    assert tuple(sprite[0, 0]) == (0, 0, 0, 0)
    edge = sprite[(sprite[..., 3] > 30) & (sprite[..., 3] < 255)]
    assert edge.size
    assert np.abs(edge[:, :3].astype(int) - (200, 100, 50)).max() <= 4
    grey = np.full((32, 32, 3), 90, np.uint8)
    pasted = paste(grey, sprite)
    assert tuple(pasted[16, 16]) == (200, 100, 50)
    assert tuple(pasted[0, 0]) == (90, 90, 90)


def test_a_gallery_keeps_what_fits() -> None:
    gallery = Gallery(250)
    painted: list[str] = []

    def show(key: str) -> np.ndarray:
        def paint() -> np.ndarray:
            painted.append(key)
            return np.zeros(100, dtype=np.uint8)

        return gallery.show(key, paint)

    for key in ("a", "b", "a", "c", "b", "a"):
        assert not show(key).flags.writeable
    assert painted == ["a", "b", "c", "a"]


def _overlap(some: list[np.ndarray], others: list[np.ndarray]) -> float:
    pairs = [(a, b) for a, b in itertools.product(some, others) if a is not b]
    return float(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs]))
