"""What a recording's folder holds, read back for the tests of the recorders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from .examples import RATE_HZ


def sound(folder: Path, name: str) -> np.ndarray:
    samples, rate_hz = soundfile.read(folder / f"{name}.wav", dtype="float32")
    assert rate_hz == RATE_HZ
    return samples


def session(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "session.json").read_text())
    return told


def times_s(folder: Path) -> list[float]:
    with av.open(str(folder / "overlay.mp4")) as movie:
        return [picture.time for picture in movie.decode(video=0)]
