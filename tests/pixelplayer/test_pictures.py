"""Pictures as the networks want them."""

import numpy as np

from pixelplayer.pictures import exposed, prepared


def test_a_network_of_ours_is_given_the_picture_itself() -> None:
    picture = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    assert prepared(picture, "unit") is picture


def test_dark_pictures_are_given_light_and_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    pictures = (rng.integers(0, 256, (3, 3, 8, 8)) / 255).astype(np.float32)
    pictures[1] = np.round(pictures[1] ** 4 * 255) / 255
    pictures[2] = np.round(pictures[2] * 2) / 255  # night
    before = pictures.copy()
    lit = exposed(pictures)
    np.testing.assert_array_equal(pictures, before)
    np.testing.assert_array_equal(lit[0], pictures[0])
    assert pictures[1].mean() < 0.25
    assert pictures[1].mean() + 0.08 < lit[1].mean() < 0.4
    order = np.argsort(pictures[1], axis=None, kind="stable")
    assert (np.diff(lit[1].reshape(-1)[order]) >= 0).all()
    assert lit[2].max() < 0.15
    np.testing.assert_allclose(lit[2], pictures[2] ** 0.45, atol=1e-6)


def test_black_stays_black() -> None:
    black = np.zeros((1, 3, 4, 4), np.float32)
    assert not exposed(black).any()


def test_a_published_one_is_given_imagenets_mean_as_nothing() -> None:
    picture = np.ones((2, 3, 4, 4), np.float32)
    picture[0] *= np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
    normal = prepared(picture, "imagenet")  # bright enough on the whole
    assert normal.dtype == np.float32
    assert np.abs(normal[0]).max() < 1e-6
    np.testing.assert_allclose(normal[1, :, 0, 0], [2.2489, 2.4286, 2.64], rtol=1e-3)
    assert picture[1].min() == 1.0  # left as it was
