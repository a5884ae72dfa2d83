"""The three pictures: each shows what it says at its place, and nothing elsewhere."""

import numpy as np
import pytest

from pixelplayer.bands import to_levels
from realtime.sinks.pixel_history import MOST_COLUMNS, PixelHistory
from realtime.sinks.views import VIEWS, Views, colours_of
from realtime.spectra import PixelSpectra

from .examples import scene

ROWS = COLUMNS = 8
BANDS = 32
GREY = np.full((480, 640, 3), 100, np.uint8)
DIM = 45
LOW, HIGH = [(1, 1), (1, 2), (2, 1)], [(5, 5), (5, 6), (6, 6)]


def spectra(number=0, low=1e-2, high=1e-2, shot=0):
    """One column: some pixels sound a low tone, some a high one."""
    powers = np.full((ROWS, COLUMNS, BANDS), 1e-9, np.float32)
    for place in LOW:
        powers[place][3] = low
    for place in HIGH:
        powers[place][25] = high
    return PixelSpectra(
        stream="test",
        sequence=number,
        capture_ns=number * 10**8,
        duration_ns=10**8,
        shot=shot,
        levels=to_levels(powers),
    )


def cell(picture, place):
    """The pixels of a cell, but for its edge."""
    height, width = picture.shape[0] // ROWS, picture.shape[1] // COLUMNS
    row, column = place
    top, left = row * height, column * width
    return picture[top + 4 : top + height - 4, left + 4 : left + width - 4].astype(int)


def middle(picture, place):
    """The inner half of a cell."""
    whole = cell(picture, place)
    rows, columns = whole.shape[0] // 4, whole.shape[1] // 4
    return whole[rows:-rows, columns:-columns]


@pytest.fixture
def views():
    made = Views()
    for number in range(MOST_COLUMNS):
        made.feed(spectra(number))
    return made


@pytest.fixture
def sounding():
    return scene([], hot=[*LOW, *HIGH])


def test_energy_glows_where_it_sounds_and_nothing_else_does(views, sounding):
    shown = views.draw("energy", GREY, sounding)
    for place in (*LOW, *HIGH):
        assert middle(shown, place).mean() > 110
    for place in [(0, 5), (4, 1), (7, 0)]:
        np.testing.assert_array_equal(cell(shown, place), DIM)


def test_pixels_that_sound_alike_have_one_colour_and_others_another(views, sounding):
    shown = views.draw("clusters", GREY, sounding)
    low, high = cell(shown, LOW[0]).mean(axis=(0, 1)), cell(shown, HIGH[0]).mean(axis=(0, 1))
    for alike, colour in ((LOW, low), (HIGH, high)):
        for place in alike:
            assert cell(shown, place).mean(axis=(0, 1)) == pytest.approx(colour, abs=40)
    blue, orange = sorted((low, high), key=lambda bgr: bgr[2])
    assert blue[0] > blue[2] + 50
    assert orange[2] > orange[0] + 50
    np.testing.assert_array_equal(cell(shown, (7, 0)), DIM)


def test_colours_stay_while_notes_change(views, sounding):
    before = views.draw("clusters", GREY, sounding)
    for number in range(50):
        views.feed(spectra(number, low=1e-2 * (number % 3), high=1e-5 * (number % 2)))
        after = views.draw("clusters", GREY, sounding)
        for place in (*LOW, *HIGH):
            assert np.abs(cell(after, place) - cell(before, place)).max() < 60


def test_each_pixel_has_its_spectrogram_high_tones_at_the_top(views):
    shown = views.draw("sounds", GREY, None)
    for places, band in ((LOW, 3), (HIGH, 25)):
        for place in places:
            bright = cell(shown, place).max(axis=(1, 2))
            height = len(bright) + 8
            row = np.argmax(bright) + 4
            assert bright.max() > 200
            assert row == pytest.approx((BANDS - band + 0.5) * height / (BANDS + 2), abs=2)
            assert bright[np.abs(np.arange(len(bright)) + 4 - row) > 4].max() <= DIM
    assert cell(shown, (7, 0)).max() <= DIM


def test_the_newest_is_at_the_right():
    views = Views()
    for number in range(MOST_COLUMNS):
        views.feed(spectra(number, low=1e-2 if number >= MOST_COLUMNS - 5 else 1e-9))
    shown = cell(views.draw("sounds", GREY, None), LOW[0]).max(axis=(0, 2))
    assert shown[-6:].max() > 200
    assert shown[: len(shown) // 2].max() <= DIM


def test_a_cut_begins_anew():
    history = PixelHistory()
    assert history.levels() is None
    assert history.places() is None
    for number in range(5):
        history.feed(spectra(number))
    assert (history.levels()[..., -5:] > 0).any(axis=(0, 1, 2)).all()
    history.feed(spectra(5, shot=1))
    levels = history.levels()
    assert levels.shape == (ROWS, COLUMNS, BANDS, MOST_COLUMNS)
    assert levels[..., -1].any()
    assert not levels[..., :-1].any()


def test_a_scene_of_another_grid_is_waited_out(views):
    other = scene([], hot=LOW)
    object.__setattr__(other, "heatmap_db", np.full((4, 6), -3.0, np.float32))
    assert (views.draw("clusters", GREY, other) == DIM).all()


def test_before_anything_is_known_the_picture_is_dim():
    for view in VIEWS[1:]:
        assert (Views().draw(view, GREY, None) == DIM).all()


def test_the_picture_given_is_left_alone(views, sounding):
    given = GREY.copy()
    for view in VIEWS:
        assert views.draw(view, given, sounding).shape == given.shape
    np.testing.assert_array_equal(given, GREY)


def test_opposite_places_have_opposite_colours_and_the_middle_none():
    right, left, middle = colours_of(np.array([[1, 0], [-1, 0], [0, 0]], np.float32))
    assert right[2] > right[0] + 100  # orange
    assert left[0] > left[2] + 100  # blue
    assert np.ptp(middle) < 2
