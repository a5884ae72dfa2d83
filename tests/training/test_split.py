"""What the table judges by is what a live model's training was kept from, at any rate."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import soundfile

from training.bank import open_players
from training.corpus import open_pictures
from training.material import open_material
from training.paper import AUDIO
from training.photos import open_photos

LIVE_HZ = 44_100


def write_data(folder: Path) -> None:
    """Two classes, of each some takes of a known collection and some of one kept out whole."""
    rng = np.random.default_rng(0)
    for label in ("cello", "flute"):
        for name in (*(f"note_{number}" for number in range(30)), "fsd_one", "fsd_two"):
            path = folder / "solo_audio" / label / f"{name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, rng.uniform(-0.5, 0.5, LIVE_HZ // 4), LIVE_HZ)
        for number in range(30):
            for kind in ("photos", "photos_other"):
                path = folder / kind / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(path), rng.integers(0, 256, (8, 8, 3), np.uint8))


def test_no_sound_or_photograph_is_on_both_sides(tmp_path: Path) -> None:
    data, cache = tmp_path / "data", tmp_path / "cache"
    write_data(data)
    live = open_players(data, cache, LIVE_HZ)  # as `training.sound` opens them
    heard = {one.name + one.instrument for one in live.recordings if not one.held_out}
    kept_out = {
        one.name + one.instrument
        for one in open_players(data, cache, AUDIO.rate_hz).recordings
        if one.held_out
    }
    assert {"fsd_onecello", "fsd_twoflute"} < kept_out
    assert len(kept_out) > 4
    assert not heard & kept_out

    seen = open_pictures(data, tmp_path).known  # as `training.sight` opens them
    judged = open_photos(data / "photos")
    assert judged.held_out.any()
    assert not set(seen.names[~seen.held_out]) & set(judged.names[judged.held_out])

    options = argparse.Namespace(bank=data, music=None, band=False, attention=None, cache=cache)
    material = open_material(options, AUDIO)
    assert list(material.judged.labels) == ["cello", "flute"]
