"""Where clips say that their instruments stand."""

from __future__ import annotations

import numpy as np
import pytest

from training.bank import Bank, Recording
from training.clips import FRAME_PX, BandClips, BankClips, Clip
from training.figures import box_around
from training.moving import MovingPhotos
from training.photos import Photos, instrument_in
from training.solos import SoloMaker
from training.virtual import PREFIX

RATE_HZ = 11025


def solos(label: str, *, held_out: bool) -> SoloMaker:
    """A bank of one phrase of noise."""
    samples = np.random.default_rng(0).uniform(-1, 1, RATE_HZ).astype(np.float16)
    recording = Recording(label, label, 0, len(samples), held_out, is_phrase=True)
    return SoloMaker(Bank(RATE_HZ, samples, (recording,)), held_out=held_out)


def photos(ground: np.ndarray, evidence: np.ndarray | None = None, *, held_out: bool) -> Photos:
    """One photograph: something dark on a ground."""
    picture = ground.copy()
    picture[60:160, 80:130] = (90, 40, 20)
    return Photos(
        pixels=picture[np.newaxis],
        labels=np.array(["cello"]),
        names=np.array(["cello/one"]),
        held_out=np.array([held_out]),
        evidence={} if evidence is None else {"cello/one": evidence},
    )


def plain() -> np.ndarray:
    return np.full((224, 224, 3), 250, np.uint8)


def meadow() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)


def clip(of: Photos, *, held_out: bool, seed: int = 0) -> Clip:
    pictures = MovingPhotos(of, held_out=held_out)
    source = BankClips(solos("cello", held_out=held_out), pictures)
    return source.clip("cello", RATE_HZ, np.random.default_rng(seed))


def assert_around(box: tuple[float, ...] | None, shape: np.ndarray) -> None:
    """The box of ``shape``, to a few pixels."""
    assert box is not None
    np.testing.assert_allclose(box, box_around(shape), atol=6 / FRAME_PX)


@pytest.mark.parametrize("seed", range(4))
def test_on_a_plain_ground_it_is_what_differs_however_it_is_turned(seed: int) -> None:
    one = clip(photos(plain(), held_out=True), held_out=True, seed=seed)
    assert_around(one.box, one.middle.max(axis=2) < 170)


def test_elsewhere_it_is_where_evidence_is_or_not_known() -> None:
    evidence = np.zeros((112, 112), np.uint8)
    evidence[30:80, 40:65] = 255
    of = photos(meadow(), evidence, held_out=True)
    assert_around(box_around(instrument_in(of, 0) > 128), np.kron(evidence, np.ones((2, 2))) > 0)
    assert clip(of, held_out=True).box is not None
    assert clip(photos(meadow(), held_out=True), held_out=True).box is None


def test_what_is_learned_from_is_not_asked() -> None:
    assert clip(photos(plain(), held_out=False), held_out=False).box is None


def test_the_bands_boxes_are_those_of_the_drawings() -> None:
    """Between two pictures of the same instrument on the same stage nothing else differs."""
    source = BandClips(solos(f"{PREFIX}guitar", held_out=True))
    for seed in range(3):
        one = source.clip(f"{PREFIX}guitar", RATE_HZ, np.random.default_rng(seed))
        assert one.box is not None
        x0, y0, x1, y1 = (round(edge * FRAME_PX) for edge in one.box)
        first, second = one.frames[0].astype(int), one.frames[2].astype(int)
        moved = np.abs(first - second).max(axis=2) > 30
        inside = moved[max(y0 - 6, 0) : y1 + 6, max(x0 - 6, 0) : x1 + 6]
        assert moved.sum() == inside.sum()
        assert 0.02 < (x1 - x0) * (y1 - y0) / FRAME_PX**2 < 0.6


def test_nothing_has_no_box() -> None:
    assert box_around(np.zeros((5, 5), bool)) is None
    one = np.zeros((4, 8), bool)
    one[1, 2] = True
    assert box_around(one) == (2 / 8, 1 / 4, 3 / 8, 2 / 4)
