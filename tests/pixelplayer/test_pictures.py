"""Pictures as the networks want them."""

import numpy as np

from pixelplayer.pictures import prepared


def test_a_network_of_ours_is_given_the_picture_itself() -> None:
    picture = np.random.default_rng(0).random((1, 3, 8, 8), np.float32)
    assert prepared(picture, "unit") is picture


def test_a_published_one_is_given_imagenets_mean_as_nothing() -> None:
    picture = np.ones((2, 3, 4, 4), np.float32)
    picture[0] *= np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
    normal = prepared(picture, "imagenet")
    assert normal.dtype == np.float32
    assert np.abs(normal[0]).max() < 1e-6
    np.testing.assert_allclose(normal[1, :, 0, 0], [2.2489, 2.4286, 2.64], rtol=1e-3)
    assert picture[1].min() == 1.0  # left as it was
