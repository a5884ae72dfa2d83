from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.offline import separate_offline, vectors_of
from tests.fakes.pixel_model import SPEC, SYNTHESIZER, BandSound, ColourVision, band_noise, picture

VECTORS = np.eye(2, SPEC.channels, dtype=np.float32)  # red, green


def separate(mixture: np.ndarray) -> np.ndarray:
    engine = BandSound()
    return separate_offline(
        lambda window: engine.infer({"log_magnitude": window})["sound"],
        SPEC,
        SYNTHESIZER.scale,
        SYNTHESIZER.bias,
        samples=mixture,
        rate_hz=8000,
        vectors=VECTORS,
    )


@pytest.mark.parametrize("length", [1, 1000, 4096, 2048 * 3, 20001])
def test_rows_sum_to_the_mixture_whatever_its_length(length: int) -> None:
    mixture = band_noise("red", 1, 20001)[:length]
    rows = separate(mixture)
    assert rows.shape == (3, length)
    np.testing.assert_allclose(rows.sum(axis=0), mixture, atol=1e-6)


def test_each_object_gets_its_own_sound() -> None:
    sources = [band_noise(colour, seed, 24000) for seed, colour in enumerate(("red", "green"))]
    rows = separate(np.sum(sources, axis=0))
    for source, row in zip(sources, rows, strict=False):
        assert 10 * np.log10(np.sum(source**2) / np.sum((row - source) ** 2)) > 18


def test_what_is_said_at_the_end_of_a_window_counts_for_nothing() -> None:
    # A network that shouts at the end of its window only: no edge may be heard in the middle.
    def infer(window: np.ndarray) -> np.ndarray:
        sound = np.zeros((1, SPEC.channels, *window.shape[2:]), np.float32)
        sound[0, 0, :, -1:] = 20.0
        return sound

    mixture = band_noise("red", 1, 30000)
    rows = separate_offline(
        infer,
        SPEC,
        SYNTHESIZER.scale,
        SYNTHESIZER.bias,
        samples=mixture,
        rate_hz=8000,
        vectors=VECTORS,
    )
    assert np.std(rows[0]) < 0.1 * np.std(mixture)


def test_vectors_are_the_maximum_over_frames_and_cells() -> None:
    engine = ColourVision((14, 14))
    maps = []
    for place in ((0.25, 0.5), (0.3, 0.5)):
        pixels = picture({"red": place, "green": (0.75, 0.5)}, 56, 56)
        square = (pixels[:, :, ::-1].transpose(2, 0, 1)[np.newaxis] / 255).astype(np.float32)
        maps.append(engine.infer({"picture": square})["features"][0])
    cells = np.zeros((2, 14, 14), bool)
    cells[0, :, :7] = cells[1, :, 7:] = True
    vectors = vectors_of(np.stack(maps), cells)
    assert vectors.shape == (2, SPEC.channels)
    np.testing.assert_array_equal(np.argmax(vectors, axis=1), [0, 1])
