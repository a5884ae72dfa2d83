"""Frames of a film that the test makes itself."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.figures import figure_of
from training.footage import FRAMES, Outline, open_footage
from training.grounds import surroundings
from training.photos import joined, open_photos

WHERE = Outline("bell", ((0.5, 0.25), (1.0, 0.25), (1.0, 0.75), (0.5, 0.75)))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film whose instrument is red, before something that changes."""
    folder = tmp_path_factory.mktemp("clips")
    coder = cv2.VideoWriter.fourcc(*"mp4v")
    film = cv2.VideoWriter(str(folder / "bell.mp4"), coder, 25, (320, 160))
    assert film.isOpened()
    rng = np.random.default_rng(0)
    for _ in range(3 * FRAMES):
        frame = cv2.resize(rng.integers(60, 200, (8, 16, 3), np.uint8), (320, 160))
        frame[40:120, 160:] = (20, 20, 230)
        film.write(frame)
    film.release()
    (folder / "broken.mp4").write_bytes(b"no film")
    return folder


def test_frames_know_where_the_instrument_is(clips: Path) -> None:
    outlines = {"bell.mp4": WHERE, "broken.mp4": WHERE, "missing.mp4": WHERE}
    footage = open_footage(clips, outlines)
    assert footage.pixels.shape == (FRAMES, 224, 224, 3)
    assert set(footage.labels) == {"bell"}
    assert not footage.held_out.any()
    assert len(set(footage.names)) == FRAMES
    for picture, name in zip(footage.pixels, footage.names, strict=True):
        figure = figure_of(picture, footage.evidence[str(name)], keep_ground=True)
        is_red = (picture[..., 0] > 180) & (picture[..., 1:].max(axis=2) < 90)
        assert is_red[figure.sure > 0].mean() > 0.95
        assert (figure.doubt[is_red] > 0).mean() > 0.95
        assert figure.sure[is_red].mean() / 255 > 0.8


def test_what_is_beside_the_instrument_is_a_ground(clips: Path) -> None:
    parts = surroundings(open_footage(clips, {"bell.mp4": WHERE}), 12, np.random.default_rng(1))
    assert len(parts) == 12
    for part in parts:
        is_red = (part[..., 0] > 200) & (part[..., 1:].max(axis=2) < 60)
        assert is_red.mean() < 0.02


def test_without_clips_there_are_no_frames(tmp_path: Path) -> None:
    footage = open_footage(tmp_path)
    assert footage.pixels.shape == (0, 224, 224, 3)
    assert len(footage.names) == len(footage.labels) == len(footage.held_out) == 0


def test_photographs_and_frames_are_joined(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "bell").mkdir()
    cv2.imwrite(str(tmp_path / "bell" / "one.png"), np.full((9, 9, 3), 7, np.uint8))
    photos, footage = open_photos(tmp_path), open_footage(clips, {"bell.mp4": WHERE})
    both = joined(photos, footage)
    assert both.names.tolist() == ["bell/one", *footage.names]
    np.testing.assert_array_equal(both.pixels[0], photos.pixels[0])
    assert len(both.select("bell", held_out=False)) >= FRAMES
    assert set(both.evidence) == set(footage.names)
