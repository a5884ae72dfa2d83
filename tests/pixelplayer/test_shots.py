"""Cuts are told from movement, light and noise."""

import numpy as np

from pixelplayer import band
from pixelplayer.shots import Shots

SIDE = 112


def film(seed: int, start_s: float, count: int) -> list[np.ndarray]:
    scene = band.scene(seed, 4.0, 8000)
    return [scene.frame(start_s + number / 10, SIDE, SIDE) for number in range(count)]


def test_every_cut_begins_a_shot() -> None:
    shots = Shots(8)
    views = (np.s_[:], np.s_[::-1], np.s_[:, ::-1])  # as it is, upside down, mirrored
    numbers = [[shots.feed(picture[view]) for picture in film(1, 0.0, 6)] for view in views]
    assert numbers == [[0] * 6, [1] * 6, [2] * 6]


def test_neither_movement_nor_light_nor_noise_is_a_cut() -> None:
    shots = Shots(8)
    rng = np.random.default_rng(1)
    for number, picture in enumerate(film(5, 0.0, 30)):
        moved = np.roll(picture, number // 3, axis=1)
        lit = moved * (0.4 + 0.6 * np.cos(number / 5) ** 2)
        noisy = np.clip(lit + rng.normal(0, 0.05 * 255, lit.shape), 0, 255)
        assert shots.feed(noisy.astype(np.uint8)) == 0


def test_pictures_of_other_proportions_are_another_shot() -> None:
    shots = Shots(8)
    wide = film(1, 0.0, 1)[0]
    high = np.ascontiguousarray(wide[:, :56])
    assert [shots.feed(picture) for picture in (wide, wide, high, high, wide)] == [0, 0, 1, 1, 2]


def test_a_dark_picture_says_nothing() -> None:
    shots = Shots(8)
    (first,) = film(1, 0.0, 1)
    other = first[::-1]
    dark = np.zeros_like(first)
    assert [shots.feed(picture) for picture in (dark, first, dark, first, dark, other)] == [
        0,
        0,
        0,
        0,
        0,
        1,
    ]
