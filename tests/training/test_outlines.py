"""Outlines follow the edges of the picture, not those of the evidence."""

import cv2
import numpy as np

from training.figures import SURE, figure_of
from training.outlines import SIDE_PX, outlined, without_skin


def guitar_on_a_meadow() -> tuple[np.ndarray, np.ndarray]:
    """A picture (224, 224, 3) and where in it the instrument is: a belly and a long neck."""
    rng = np.random.default_rng(0)
    where = np.zeros((224, 224), np.uint8)
    cv2.circle(where, (70, 150), 40, (255,), -1)
    cv2.line(where, (70, 150), (180, 40), (255,), 16)
    meadow = np.array([60, 140, 50]) + rng.normal(0, 14, (224, 224, 1))
    meadow[:, 112:] += (-30, -60, 90)  # and a lake beside it: a ground of more than one colour
    wood = np.array([170, 110, 60]) + rng.normal(0, 14, (224, 224, 1))
    return np.where(where[..., None] > 0, wood, meadow).clip(0, 255).astype(np.uint8), where > 0


def blurred_evidence() -> np.ndarray:
    """(10, 10): all of the belly and beyond it, a little of the neck, nothing of its end."""
    rows, columns = np.indices((10, 10))
    distance = np.hypot(rows - 6.2, columns - 2.6)
    return np.clip(255 * np.exp(-((distance / 2.0) ** 2)), 0, 255).astype(np.uint8)


def test_an_outline_is_closer_to_the_instrument_than_the_evidence_was() -> None:
    picture, where = guitar_on_a_meadow()
    before = figure_of(picture, cv2.resize(blurred_evidence(), (224, 224)), keep_ground=True)
    found = outlined(picture, blurred_evidence())
    assert found.shape == (SIDE_PX, SIDE_PX)
    after = figure_of(picture, cv2.resize(found, (224, 224)), keep_ground=True)

    def overlap(sure: np.ndarray) -> float:
        both = (sure > 0) & where
        return float(both.sum() / ((sure > 0) | where).sum())

    assert overlap(after.sure) > overlap(before.sure) + 0.05
    assert ((after.sure > 0) & ~where).mean() < 0.02


def test_the_rest_of_the_outline_is_in_doubt() -> None:
    picture, where = guitar_on_a_meadow()
    figure = figure_of(
        picture, cv2.resize(outlined(picture, blurred_evidence()), (224, 224)), keep_ground=True
    )
    neck = where & (cv2.resize(blurred_evidence(), (224, 224)) >= 20)
    neck[130:] = False
    assert (np.maximum(figure.sure, figure.doubt)[neck] > 0).mean() > 0.9  # not learned as meadow


def test_the_same_picture_has_the_same_outline() -> None:
    picture, _ = guitar_on_a_meadow()
    first, second = (outlined(picture, blurred_evidence()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_evidence_of_one_kind_only_is_left_as_it_is() -> None:
    picture, _ = guitar_on_a_meadow()
    for level in (0, 255):
        found = outlined(picture, np.full((10, 10), level, np.uint8))
        assert (found == level).all()


def test_skin_is_no_sure_part_of_a_flute() -> None:
    picture = np.full((112, 112, 3), 230, np.uint8)  # silver
    picture[:, 56:] = (205, 150, 125)  # a cheek
    evidence = np.full((112, 112), 200, np.uint8)
    evidence[:20] = 10
    found = without_skin(picture, evidence)
    np.testing.assert_array_equal(found[:, :55], evidence[:, :55])
    assert (found[20:, 58:] == SURE - 1).all()  # in doubt
    assert (found[:20] == 10).all()
