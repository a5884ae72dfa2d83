import numpy as np
import pytest

from calibration.sightings import flashes, halts
from tests.calibration.examples import CELLS, clapping, flashing, scene


@pytest.mark.parametrize("pictures_per_s", [12.0, 15.0, 25.0, 30.0, 60.0])
def test_each_flash_lies_between_its_pictures(pictures_per_s: float) -> None:
    given = scene(4, 0.07, pictures_per_s)
    found = flashes(given.times_ns, flashing(given, 4))
    assert len(found) == len(given.events_s)
    truth_ns = given.picture_events_s * 1e9
    assert ((found[:, 0] <= truth_ns) & (truth_ns <= found[:, 1])).all()


def test_a_weak_flash_is_seen_and_a_weaker_one_is_not() -> None:
    given = scene(5, 0.0, 30.0)
    assert len(flashes(given.times_ns, flashing(given, 5, greys=8.0))) == len(given.events_s)
    assert len(flashes(given.times_ns, flashing(given, 5, greys=0.5))) == 0


def test_a_light_that_goes_out_for_a_moment_is_a_flash_as_well() -> None:
    given = scene(6, 0.0, 30.0)
    looks = flashing(given, 6)
    np.testing.assert_array_equal(
        flashes(given.times_ns, 255 - looks), flashes(given.times_ns, looks)
    )


@pytest.mark.parametrize("pictures_per_s", [15.0, 25.0, 30.0])
def test_each_clap_is_a_halt(pictures_per_s: float) -> None:
    given = scene(7, -0.05, pictures_per_s)
    found = halts(given.times_ns, clapping(given, 7))
    slack_ns = 0.3e9 / pictures_per_s
    truth_ns = given.picture_events_s * 1e9
    is_near = (found[:, :1] - slack_ns <= truth_ns) & (truth_ns <= found[:, 1:] + slack_ns)
    assert is_near.any(axis=0).all()


def test_a_flash_is_no_halt() -> None:
    given = scene(8, 0.0, 30.0)
    assert len(halts(given.times_ns, flashing(given, 8))) == 0


def test_a_hand_that_moves_through_the_picture_is_seldom_a_flash() -> None:
    given = scene(9, 0.0, 30.0)
    assert len(flashes(given.times_ns, clapping(given, 9))) < 0.5 * len(given.events_s)


def test_where_nothing_happens_nothing_is_seen() -> None:
    times_ns = np.arange(600, dtype=np.int64) * 33_333_333
    still = np.random.default_rng(0).normal(100, 1, (600, *CELLS)).astype(np.float32)
    for find in (flashes, halts):
        assert find(times_ns, still).shape == (0, 2)
        assert find(times_ns, np.full_like(still, 100)).shape == (0, 2)
        assert find(times_ns[:5], still[:5]).shape == (0, 2)
        assert find(times_ns[:0], still[:0]).shape == (0, 2)
