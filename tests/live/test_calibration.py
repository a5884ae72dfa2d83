"""A calibration set from a real camera and a real sound server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from calibration.collection import Collection
from tests.fakes.tiny_model import write_tiny_model
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import RATE_HZ, PulseServer

ROOT = Path(__file__).parents[2]


def collect(pulse: PulseServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "calibration", "collect", *arguments],
        cwd=ROOT,
        env=pulse.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_what_is_seen_and_heard_now(
    pulse: PulseServer, camera: MjpegCamera, tmp_path: Path
) -> None:
    write_tiny_model(tmp_path / "model")
    which = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "set.npz")]
    time_s = np.arange(8 * RATE_HZ) / RATE_HZ
    playing = pulse.play((0.5 * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32))
    try:
        line = ["--live", "3", "--video", camera.url, "--audio", "pulse"]
        result = collect(pulse, *which, *line)
    finally:
        playing.kill()
        playing.wait(10)
    assert result.returncode == 0, result.stderr
    found = Collection.read(tmp_path / "set.npz")
    assert len(found.pictures) >= 2
    assert len(found.log_magnitudes) >= 3
    loudest = found.log_magnitudes.max(axis=(1, 2))
    assert (loudest > np.log(1.0)).sum() >= 2  # the tone is in them


def test_a_camera_that_is_not_there_is_told(pulse: PulseServer, tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    which = ["--model", str(tmp_path / "model"), "--out", str(tmp_path / "set.npz")]
    result = collect(pulse, *which, "--live", "1", "--video", "http://127.0.0.1:9/none")
    assert result.returncode == 3
    assert result.stderr.startswith("error: camera 'http://127.0.0.1:9/none'")
    assert len(result.stderr.splitlines()) == 1
