"""Small videos, and the command that prepares them."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.realtime.sources.media_files import FPS as VIDEO_FPS
from tests.realtime.sources.media_files import noise, write_media
from training.prepare import main

RATE_HZ, LONG_S = 8000, 3


def write_video(path: Path, duration_s: float = LONG_S, **changes: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values: dict = {
        "frames": round(duration_s * VIDEO_FPS),
        "size": (96, 128),
        "samples": noise(round(duration_s * RATE_HZ)),
        "rate_hz": RATE_HZ,
    }
    return write_media(path, **(values | changes))


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def run(videos: Path, out: Path, *more: str) -> int:
    line = ["--videos", str(videos), "--out", str(out), "--rate", str(RATE_HZ), "--jobs", "2"]
    return main([*line, "--shortest", "2", *more])
