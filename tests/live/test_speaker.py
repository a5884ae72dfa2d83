"""The speaker stage on a real sound server."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw

ROOT = Path(__file__).parents[2]


def start(pulse: PulseServer, device: str, duration_s: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.live.speak", device, str(duration_s)],
        env=pulse.environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def level(samples: np.ndarray, hz: float) -> float:
    """The amplitude of a tone."""
    time_s = np.arange(samples.size) / RATE_HZ
    return float(2 * np.abs(np.mean(samples * np.exp(-2j * np.pi * hz * time_s))))


def test_the_mix_is_heard_with_its_gains(pulse: PulseServer, tmp_path: Path) -> None:
    recorder = pulse.record(tmp_path / "heard.f32")
    speaking = start(pulse, "pulse", 2.5)
    try:
        said, errors = speaking.communicate(timeout=60)
        assert speaking.returncode == 0, errors.decode()
    finally:
        end_process(speaking)
        end_process(recorder)
    numbers = json.loads(said.decode().splitlines()[-1])
    heard = read_raw(tmp_path / "heard.f32")
    np.testing.assert_allclose(heard[:, 0], heard[:, 1], atol=1e-3)
    begin = int(np.argmax(np.abs(heard[:, 0]) > 0.05))
    both = heard[begin + RATE_HZ // 2 : begin + RATE_HZ, 0]
    alone = heard[begin + 3 * RATE_HZ // 2 : begin + 2 * RATE_HZ, 0]
    assert level(both, 440.0) == pytest.approx(0.2, abs=0.06)
    assert level(both, 1000.0) == pytest.approx(0.2, abs=0.06)
    assert level(alone, 440.0) < 0.01
    assert level(alone, 1000.0) == pytest.approx(0.2, abs=0.06)
    # 100 ms old when they come, 60 ms in the queue, and what the device takes.
    assert 150.0 < numbers["latency_p50_ms"] < 1000.0
    assert numbers["refused_samples"] == numbers["lost_samples"] == 0


def test_a_server_that_dies_does_not_end_the_run(pulse: PulseServer) -> None:
    speaking = start(pulse, "pulse", 3.0)
    try:
        assert speaking.stdout is not None
        assert speaking.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        pulse.kill()
        said, errors = speaking.communicate(timeout=90)
        assert speaking.returncode == 0, errors.decode()
    finally:
        end_process(speaking)
    numbers = json.loads(said.decode().splitlines()[-1])
    assert numbers["device_lost"] == 1.0
    assert numbers["lost_samples"] > 0


def test_a_speaker_that_is_not_there_is_named(pulse: PulseServer) -> None:
    speaking = start(pulse, "gramophone", 1.0)
    try:
        _, errors = speaking.communicate(timeout=60)
    finally:
        end_process(speaking)
    assert speaking.returncode != 0
    assert "no speaker 'gramophone'" in errors.decode()
    assert "--list-devices" in errors.decode()
