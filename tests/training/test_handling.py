"""Instruments that are partly hidden, and photographs that are scenes by themselves."""

import cv2
import numpy as np
import pytest

import training.scenes
from training.handling import in_front, taken_up
from training.photos import Photos
from training.scenes import BACKGROUND, SceneMaker, ScenePictures


def photos(*labels: str) -> Photos:
    """A bright square on clutter in each; the evidence is where the square is."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 110, (len(labels), 224, 224, 3), np.uint8)
    pixels[:, 60:160, 60:160] = 250
    evidence = np.zeros((14, 14), np.uint8)
    evidence[4:10, 4:10] = 255
    names = np.array([f"{label}/{number}" for number, label in enumerate(labels)])
    return Photos(
        pixels=pixels,
        labels=np.array(labels),
        names=names,
        held_out=np.zeros(len(labels), bool),
        evidence=dict.fromkeys(names.tolist(), evidence),
    )


def maker(*labels: str) -> SceneMaker:
    return SceneMaker(photos(*labels), photos("lamp"), ["bell", "pipe"], held_out=False)


def test_what_stands_in_front_covers_a_part() -> None:
    for seed in range(30):
        where = in_front((90, 40), np.random.default_rng(seed))
        assert where.shape == (40, 90)
        assert 0 < (where > 127).mean() < 0.9


def test_cells_that_are_hidden_are_not_learned_as_the_instrument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = {}
    for hidden in (0.0, 1.0):
        monkeypatch.setattr(training.scenes, "HIDDEN", hidden)
        scenes = [
            maker("bell").picture(np.random.default_rng(seed), ["bell"], vary=taken_up)
            for seed in range(30)
        ]
        shown[hidden] = sum((scene.cells == 0).sum() for scene in scenes)
        assert shown[hidden] > 0
    assert shown[1.0] < 0.9 * shown[0.0]


def test_a_photograph_is_a_scene_by_itself() -> None:
    for seed in range(20):
        scene = maker("bell").photograph(np.random.default_rng(seed))
        grey = cv2.cvtColor(scene.pixels, cv2.COLOR_RGB2GRAY).reshape(14, 16, 14, 16)
        light = grey.mean(axis=(1, 3))
        assert (scene.cells == 0).any()
        assert light[scene.cells == 0].min() > light[scene.cells == BACKGROUND].max()


def test_a_photograph_of_something_without_a_sound_is_background() -> None:
    scene = maker("gong").photograph(np.random.default_rng(0))
    assert (scene.cells == BACKGROUND).all()
    assert scene.placed == ()


def test_scenes_are_composed_where_no_photograph_is_one() -> None:
    plain = photos("bell", "pipe")
    plain.pixels[:, :40], plain.pixels[:, -40:] = 255, 255
    plain.pixels[:, :, :40], plain.pixels[:, :, -40:] = 255, 255
    composer = SceneMaker(plain, photos("lamp"), ["bell", "pipe"], held_out=False)
    assert not composer.scenic
    pictures, _ = next(iter(ScenePictures(composer, batch=2, seed=0, photographs=1.0)))
    assert pictures.shape == (2, 3, 224, 224)
