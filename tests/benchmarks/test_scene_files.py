"""What is written comes back as it was, through the player's own reader too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.clip import contact_sheet
from benchmarks.scene_files import pictures_at, sound_length_samples, write_scene
from realtime.sources.tracks import Complaints, FileSound

RATE_HZ = 44_100


def test_sound_and_pictures_come_back_exactly(tmp_path: Path):
    rng = np.random.default_rng(2)
    samples = rng.uniform(-0.9, 0.9, 40_001).astype(np.float32)
    pictures = [rng.integers(0, 255, (32, 48, 3), np.uint8) for _ in range(9)]
    path = tmp_path / "scene.mkv"
    write_scene(path, pictures, 10, samples, RATE_HZ)
    assert sound_length_samples(path) == len(samples)
    sound = FileSound(str(path), Complaints(str(path)))
    found = sound.read(len(samples) + 100)
    sound.close()
    np.testing.assert_array_equal(found, samples)
    first, last = pictures_at(path, [0.0, 1.0])
    np.testing.assert_array_equal(first, pictures[0])
    np.testing.assert_array_equal(last, pictures[-1])


def test_no_pictures_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least one picture"):
        write_scene(tmp_path / "scene.mkv", [], 10, np.zeros(10, np.float32), RATE_HZ)


def test_contact_sheet_fills_its_last_row():
    pictures = [np.full((4, 6, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = contact_sheet(pictures, 2)
    assert sheet.shape == (8, 12, 3)
    assert sheet[7, 0, 0] == 30
    assert not sheet[4:, 6:].any()
