"""Instruments in the hands of somebody."""

import cv2
import numpy as np
import pytest

from training.figures import Figure, figure_of
from training.handling import taken_up
from training.players import played

SIDE = 160
COLOUR = np.array([200, 40, 60])


def upright() -> tuple[np.ndarray, Figure]:
    """Something long that stands on white."""
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    cv2.rectangle(picture, (60, 70), (100, 140), COLOUR.tolist(), -1)
    cv2.rectangle(picture, (75, 15), (85, 75), COLOUR.tolist(), -1)
    return picture, figure_of(picture, None, keep_ground=False)


def nearly_its_colour(picture: np.ndarray) -> np.ndarray:
    """Where a picture has that colour, in whatever light."""
    hue = picture / (picture.sum(axis=2, keepdims=True) + 1)
    wanted = COLOUR / COLOUR.sum()
    return np.asarray(np.abs(hue - wanted).max(axis=2) < 0.08, bool)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_sure_is_the_instrument_and_not_the_player(seed: int) -> None:
    picture, figure = upright()
    found, held = played(picture, figure, np.random.default_rng(seed))
    assert found.shape == picture.shape
    inside = cv2.erode(held.sure, np.ones((5, 5), np.uint8)) > 0
    assert inside.sum() > 200
    assert nearly_its_colour(found)[inside].mean() > 0.9
    assert (held.sure > 0).sum() < (figure.sure > 0).sum()  # arms are in front of it


@pytest.mark.parametrize("seed", range(6))
def test_the_player_is_pasted_too(seed: int) -> None:
    _, held = played(*upright(), np.random.default_rng(seed))
    assert (held.pasted[held.sure > 0] > 100).mean() > 0.95
    assert (held.pasted > 127).sum() > 1.5 * (held.sure > 127).sum()
    assert held.pasted.min() == 0  # beside the player is what was there


def test_it_is_turned_most_of_the_time() -> None:
    rng = np.random.default_rng(3)
    lying = 0
    for _ in range(40):
        _, held = played(*upright(), rng)
        rows, columns = np.nonzero(held.sure)
        lying += np.ptp(columns) > np.ptp(rows)
    assert lying > 12


def test_only_what_was_cut_out_is_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.handling.PLAYED", 1.0)
    picture, cut_out = upright()
    whole = figure_of(picture, None, keep_ground=True)
    for seed in range(8):
        _, as_it_was = taken_up(picture, whole, np.random.default_rng(seed))
        assert as_it_was.pasted.min() == 255
        _, held = taken_up(picture, cut_out, np.random.default_rng(seed))
        assert held.pasted.shape == cut_out.pasted.shape


def test_nothing_to_hold_is_no_error() -> None:
    picture, _ = upright()
    nothing = np.zeros((SIDE, SIDE), np.uint8)
    _, held = played(picture, Figure(nothing, nothing, nothing), np.random.default_rng(0))
    assert not held.sure.any()
