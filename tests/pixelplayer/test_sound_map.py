"""Places of pixels: against components of the vectors as they are, and over time."""

from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.sound_map import SoundMap, SoundMapSettings

PIXELS, BANDS, BLOCK_S = 30, 8, 0.1
FOREVER = SoundMapSettings(memory_s=1e9)
LOW, HIGH, REST = slice(0, 10), slice(10, 16), slice(16, PIXELS)


def instruments(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """One block: some pixels sound low notes, some high ones, the others next to nothing."""
    powers = np.full((PIXELS, BANDS), 1e-9, np.float32)
    powers[LOW, : BANDS // 2] = low * rng.random(BANDS // 2, np.float32)
    powers[HIGH, BANDS // 2 :] = high * rng.random(BANDS // 2, np.float32)
    return powers


def middle(places: np.ndarray, pixels: slice) -> np.ndarray:
    return np.asarray(places[pixels].mean(axis=0))


def test_places_are_the_principal_components_of_the_whole_vectors() -> None:
    rng = np.random.default_rng(2)
    blocks = [rng.random((PIXELS, BANDS)).astype(np.float32) ** 2 for _ in range(7)]
    found = SoundMap(PIXELS, FOREVER)
    for block in blocks:
        found.feed(block, BLOCK_S)
    vectors = np.sqrt(np.concatenate(blocks, axis=1)).astype(np.float64)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    weight = length / length.sum()
    unit = vectors / length
    centred = unit - (weight * unit).sum(axis=0)
    _, _, axes = np.linalg.svd(np.sqrt(weight) * centred, full_matrices=False)
    wanted = centred @ axes[:2].T
    places = found.places()
    # But for a turn of the plane: all distances are the same.
    between = np.linalg.norm(places[:, np.newaxis] - places, axis=2)
    assert between == pytest.approx(
        np.linalg.norm(wanted[:, np.newaxis] - wanted, axis=2), abs=1e-5
    )


def test_those_that_sound_alike_lie_together_and_others_on_the_other_side() -> None:
    rng = np.random.default_rng(3)
    found = SoundMap(PIXELS)
    for _ in range(20):
        found.feed(instruments(rng, 1.0, 0.1), BLOCK_S)
    places = found.places()
    assert np.ptp(places[LOW], axis=0).max() < 1e-3
    assert np.ptp(places[HIGH], axis=0).max() < 1e-3
    assert middle(places, LOW) @ middle(places, HIGH) < -0.2
    assert not places[REST].any()


def test_a_pixel_stays_where_it_is_while_others_grow_louder() -> None:
    """The order of the components and their signs change; the places do not."""
    rng = np.random.default_rng(4)
    found = SoundMap(PIXELS)
    before = None
    for step in range(120):
        loud = 1.0 if step < 60 else 0.01
        found.feed(instruments(rng, loud, 1.01 - loud), BLOCK_S)
        places = found.places()
        if before is not None:
            assert np.linalg.norm(places - before, axis=1).max() < 0.15
            assert middle(places, LOW) @ middle(before, LOW) > 0
        before = places


def test_a_third_one_does_not_throw_the_others_about() -> None:
    rng = np.random.default_rng(6)
    found = SoundMap(PIXELS)
    for _ in range(40):
        found.feed(instruments(rng, 1.0, 1.0), BLOCK_S)
    before = found.places()
    for _ in range(40):
        powers = instruments(rng, 1.0, 1.0)
        powers[:, BANDS // 2] = powers[:, BANDS // 2 - 1] = 1e-9
        powers[REST, BANDS // 2] = powers[REST, BANDS // 2 - 1] = rng.random()
        found.feed(powers, BLOCK_S)
        places = found.places()
    for pixels in (LOW, HIGH):
        now, then = middle(places, pixels), middle(before, pixels)
        # Three lie 120 degrees apart where two lay 180: each has to give way by 30.
        assert now @ then > np.cos(np.deg2rad(45)) * np.linalg.norm(now) * np.linalg.norm(then)
    for one, other in ((LOW, HIGH), (LOW, REST), (HIGH, REST)):
        assert np.linalg.norm(middle(places, one) - middle(places, other)) > 0.5


def test_silence_lies_in_the_middle_and_a_reset_forgets() -> None:
    found = SoundMap(PIXELS)
    assert not found.places().any()
    found.feed(np.zeros((PIXELS, BANDS), np.float32), BLOCK_S)
    assert not found.places().any()
    rng = np.random.default_rng(7)
    found.feed(instruments(rng, 1.0, 1.0), BLOCK_S)
    assert found.places().any()
    found.reset()
    assert not found.places().any()
