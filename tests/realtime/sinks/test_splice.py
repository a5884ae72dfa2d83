import numpy as np
import pytest

from realtime.sinks.splice import fade_in, lengthen, most_that_fits, shorten

RATE_HZ = 44_100


def tone(hz, samples=3072):
    phase = 2 * np.pi * hz * np.arange(samples) / RATE_HZ
    return 0.5 * np.stack([np.sin(phase), np.cos(phase)]).astype(np.float32)


@pytest.mark.parametrize(("change", "sign"), [(shorten, -1), (lengthen, 1)])
@pytest.mark.parametrize("by", [1, 50, 900, most_that_fits(3072, RATE_HZ)])
def test_the_length_changes_by_about_as_much_and_the_ends_stay(change, sign, by):
    sound = np.random.default_rng(0).normal(0, 0.1, (2, 3072)).astype(np.float32)
    out = change(sound, by, RATE_HZ)
    assert abs((out.shape[1] - 3072) * sign - by) <= 0.005 * RATE_HZ + 1
    np.testing.assert_allclose(out[:, 0], sound[:, 0], atol=1e-4)
    np.testing.assert_array_equal(out[:, -1], sound[:, -1])
    assert out.dtype == np.float32


@pytest.mark.parametrize("change", [shorten, lengthen])
@pytest.mark.parametrize("hz", [330.0, 1000.0])
def test_a_tone_goes_through_without_a_click(change, hz):
    sound = tone(hz)
    out = change(sound, 900, RATE_HZ)
    bend = np.abs(np.diff(out.astype(np.float64), 2)).max()
    assert bend < 1.3 * np.abs(np.diff(sound.astype(np.float64), 2)).max()
    assert np.abs(out).max() < 0.51


@pytest.mark.parametrize(("change", "sign"), [(shorten, -1), (lengthen, 1)])
@pytest.mark.parametrize("by", [250, 300, 777, 1000])
def test_of_places_that_fit_alike_it_is_the_nearest(change, sign, by):
    period = RATE_HZ / 700  # samples; the reach on either side has seven of them
    out = change(tone(700.0), by, RATE_HZ)
    assert abs(sign * (out.shape[1] - 3072) - by) <= period / 2


@pytest.mark.parametrize("change", [shorten, lengthen])
def test_silence_stays_silent(change):
    out = change(np.zeros((2, 2000), dtype=np.float32), 700, RATE_HZ)
    assert not out.any()
    assert abs(abs(out.shape[1] - 2000) - 700) <= 1


def test_fade_in_starts_at_nothing():
    out = fade_in(np.ones((2, 1000), dtype=np.float32), RATE_HZ)
    assert out[0, 0] < 1e-4
    assert (out[:, 300:] == 1.0).all()
    assert (np.diff(out[0]) >= 0).all()


def test_short_pieces_cannot_be_changed():
    assert most_that_fits(100, RATE_HZ) == 0
