"""Pictures for the network, and cameras that do not open."""

from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.pictures import PICTURE_INPUTS, PictureInput, prepared, tables
from realtime.picture import Capture, CaptureError, mean_level, resized, through, to_network


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (360, 640), (640, 360), (224, 224)])
def test_any_picture_becomes_a_square(shape: tuple[int, int]) -> None:
    picture = np.zeros((*shape, 3), np.uint8)
    picture[:] = (0, 51, 255)
    got = to_network(picture, (224, 224))
    assert (got.shape, got.dtype) == ((1, 3, 224, 224), np.float32)
    assert got.flags.c_contiguous
    for plane, value in zip(got[0], (1.0, 0.2, 0.0), strict=True):  # red, green, blue
        np.testing.assert_allclose(plane, value, atol=1e-6)


def test_the_whole_picture_is_stretched() -> None:
    picture = np.zeros((96, 320, 3), np.uint8)
    picture[:48, 160:] = 255  # the upper right quarter
    got = to_network(picture, (8, 8))[0, 0]
    np.testing.assert_array_equal(got[:4, 4:], 1)
    np.testing.assert_array_equal(got[4:], 0)
    np.testing.assert_array_equal(got[:, :4], 0)


def test_fine_patterns_shrink_to_their_mean() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[::2] = 255
    assert np.abs(to_network(picture, (8, 8)) - 0.5).max() < 0.01


def test_resized() -> None:
    picture = np.zeros((4, 6, 3), np.uint8)
    assert resized(picture, 6, 4) is picture
    assert resized(picture, 3, 2).shape == (2, 3, 3)


def test_cameras_that_do_not_open() -> None:
    with pytest.raises(CaptureError, match="it does not open"):
        Capture("http://127.0.0.1:9/none.mjpg", "ffmpeg", 500)
    try:
        Capture("videotestsrc num-buffers=0 ! fakesink", "gstreamer", 500)
    except CaptureError as error:
        assert "built without gstreamer" in str(error) or "does not open" in str(error)
    else:
        pytest.fail("a pipeline without pictures opens")


@pytest.mark.parametrize("wanted", PICTURE_INPUTS)
@pytest.mark.parametrize("level", [255, 60, 4])
def test_by_tables_a_picture_is_prepared_as_by_itself(wanted: PictureInput, level: int) -> None:
    pixels = np.random.default_rng(level).integers(0, level + 1, (24, 32, 3)).astype(np.uint8)
    expected = prepared(to_network(pixels, (24, 32)), wanted)
    found = np.empty_like(expected)
    through(pixels, tables(mean_level(pixels), wanted), found)
    np.testing.assert_allclose(found, expected, atol=1e-6)
