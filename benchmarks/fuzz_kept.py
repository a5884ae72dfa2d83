"""Damaged files that users keep: recorded sessions, what is known of devices, calibration sets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from calibration.collection import Collection
from realtime.remix.mixing import blocks, gains_of
from realtime.remix.recorded import open_recorded
from realtime.rig import Rig, read_rig, write_rig
from realtime.sinks.mixer import equal_power
from realtime.sinks.session import is_whole, seal
from realtime.sinks.wav import WavWriter

SESSION_FILES = ("session/session.json", "session/object-1.wav", "session/residual.wav")
_RATE_HZ = 8_000
_SAMPLES = 600
_SOURCE = "clip.mkv"


def write_kept(folder: Path) -> None:
    """One whole file of each kind."""
    camera, microphone, speaker = "Camera 1", "Microphone 1", "Speaker 1"
    rig = Rig(
        offsets_ms={(camera, microphone): 42.5},
        gains_db={microphone: -6.0},
        untold_ms={(speaker, microphone): 12.25},
    )
    write_rig(folder / "devices.json", rig)
    rng = np.random.default_rng(6)
    Collection(
        log_magnitudes=rng.normal(size=(2, 8, 4)).astype(np.float32),
        pictures=rng.uniform(size=(2, 3, 6, 8)).astype(np.float32),
    ).write(folder / "calibration.npz")
    session = folder / "session"
    session.mkdir()
    for name in ("object-1.wav", "object-2.wav", "residual.wav"):
        with WavWriter(session / name, _RATE_HZ) as writer:
            writer.write(rng.uniform(-0.3, 0.3, _SAMPLES).astype(np.float32))
    said = {
        "version": 1,
        "sample_rate": _RATE_HZ,
        "duration_s": _SAMPLES / _RATE_HZ,
        "objects": [
            {"id": 1, "file": "object-1.wav", "name": "guitar", "centroid": [0.25, 0.5]},
            {"id": 2, "file": "object-2.wav", "name": "", "centroid": [1.0, 0.5]},
        ],
    }
    (session / "session.json").write_text(json.dumps(said), encoding="utf-8")
    seal(session, _SOURCE)


def read_session(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    """All that ``remix`` makes of a session, and what a batch asks of it."""
    folder = scratch / "session"
    shutil.copytree(wholes / "session", folder)
    (scratch / name).write_bytes(data)
    is_whole(folder, _SOURCE)
    recorded = open_recorded(folder)
    for mix in blocks(recorded, gains_of(recorded.tracks, {"residual": 6.0}), equal_power):
        assert np.abs(mix).max(initial=0.0) <= 1.0  # NaN is not


def read_devices(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    """What a live run takes from what was measured."""
    path = scratch / name
    path.write_bytes(data)
    rig = read_rig(path)
    write_rig(path, rig)
    assert read_rig(path) == rig


def read_calibration_set(data: bytes, name: str, wholes: Path, scratch: Path) -> None:
    """What quantisation takes from it."""
    path = scratch / name
    path.write_bytes(data)
    found = Collection.read(path)
    assert found.log_magnitudes.ndim == 3
    assert found.pictures.ndim == 4
    assert np.isfinite(found.log_magnitudes).all()
    assert np.isfinite(found.pictures).all()
