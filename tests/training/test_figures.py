"""What counts as the instrument in a photograph."""

import cv2
import numpy as np
import pytest

from training.figures import figure_of, has_plain_ground
from training.photos import Photos
from training.scenes import SceneMaker

PLAIN = np.full((64, 64, 3), 240, np.uint8)
cv2.circle(PLAIN, (40, 30), 14, (20, 60, 160), -1)
BUSY = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


def test_a_plain_ground_is_told_from_a_busy_one() -> None:
    assert has_plain_ground(PLAIN)
    assert not has_plain_ground(BUSY)


@pytest.mark.parametrize("keep_ground", [True, False])
def test_on_a_plain_ground_it_is_what_differs(keep_ground: bool) -> None:
    figure = figure_of(PLAIN, None, keep_ground=keep_ground)
    assert figure.sure[30, 40] == 255
    assert figure.sure[5, 5] == figure.doubt[5, 5] == 0
    assert figure.pasted[5, 5] == (255 if keep_ground else 0)
    assert (figure.doubt[figure.sure > 0] > 0).all()


def test_elsewhere_it_is_where_the_evidence_is() -> None:
    evidence = np.zeros((64, 64), np.uint8)
    evidence[:, 20:40], evidence[:, 25:35] = 80, 220
    figure = figure_of(BUSY, evidence, keep_ground=True)
    assert (figure.sure[:, 25:35] == 255).all()
    assert not figure.sure[:, :25].any()
    assert (figure.doubt[:, 20:40] == 255).all()
    assert not figure.doubt[:, :20].any()
    assert (figure.pasted == 255).all()


def test_without_its_ground_only_the_instrument_is_pasted() -> None:
    evidence = np.zeros((64, 64), np.uint8)
    evidence[:, 20:40], evidence[:, 25:35] = 80, 220
    figure = figure_of(BUSY, evidence, keep_ground=False)
    assert (figure.pasted[:, 26:34] == 255).all()
    assert not figure.pasted[:, :23].any()
    assert not figure.doubt[figure.pasted == 0].any()  # what is not shown is not there


def test_without_evidence_it_is_the_middle_and_the_rest_is_in_doubt() -> None:
    figure = figure_of(BUSY, None, keep_ground=False)
    assert figure.sure[32, 32] == 255
    assert figure.sure[2, 2] == 0
    assert (figure.doubt == 255).all()


def test_the_evidence_moves_with_the_photograph() -> None:
    picture = np.random.default_rng(1).integers(0, 90, (224, 224, 3), np.uint8)
    picture[40:90, 150:200] = 255
    evidence = np.zeros((10, 10), np.uint8)
    evidence[2:4, 7:9] = 255
    photos = Photos(
        pixels=picture[np.newaxis],
        labels=np.array(["bell"]),
        names=np.array(["bell/1"]),
        held_out=np.array([False]),
        evidence={"bell/1": evidence},
    )
    maker = SceneMaker(photos, photos, ["bell"], held_out=False)
    for seed in range(12):
        scene = maker.picture(np.random.default_rng(seed), ["bell"])
        grey = cv2.cvtColor(scene.pixels, cv2.COLOR_RGB2GRAY).astype(float)
        x0, y0, x1, y1 = scene.placed[0].box
        rows, columns = np.nonzero(scene.cells == 0)
        if not len(rows):  # cropped away, or smaller than a cell
            continue
        inside = np.mean(
            [
                grey[16 * r : 16 * r + 16, 16 * c : 16 * c + 16].mean()
                for r, c in zip(rows, columns, strict=True)
            ]
        )
        assert inside > grey[y0:y1, x0:x1].mean() + 20
