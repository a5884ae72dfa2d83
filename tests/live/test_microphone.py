"""The microphone stage on a real sound server: what is played is what is heard."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.live.pulse import RATE_HZ, PulseServer

ROOT = Path(__file__).parents[2]


def chirp(duration_s: float) -> np.ndarray:
    """A sweep that is like itself at no other place; 16-bit steps, as the server has them."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sweep = 0.5 * np.sin(2 * np.pi * (200 * time_s + 4_000 * time_s**2 / duration_s))
    return (np.round(sweep * 32768) / 32768).astype(np.float32)


def place_of(pattern: np.ndarray, samples: np.ndarray) -> int:
    """Where ``pattern`` fits best."""
    size = 1 << (samples.size + pattern.size - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(pattern, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: samples.size - pattern.size]))


def test_a_chirp_arrives_whole(pulse: PulseServer, tmp_path: Path) -> None:
    path = tmp_path / "heard.npz"
    played = chirp(1.0)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.live.listen", "pulse", str(RATE_HZ), str(path)],
        env=pulse.environment,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as listener:
        assert listener.stdin is not None
        assert listener.stdout is not None
        assert listener.stdout.readline() == b"ready\n"
        assert pulse.play(np.append(played, np.zeros(RATE_HZ // 2))).wait(30) == 0
        listener.stdin.close()
        assert listener.wait(30) == 0
    heard = np.load(path)
    assert heard["stats"].tolist() == [0, 0]
    first_samples, lengths = heard["first_samples"], heard["lengths"]
    np.testing.assert_array_equal(first_samples[1:], np.cumsum(lengths)[:-1])
    start = place_of(played, heard["samples"])
    np.testing.assert_allclose(heard["samples"][start : start + played.size], played, atol=1e-6)
    # The regression: sample numbers and instants lie on one line, at the device's rate.
    spacing_ns = np.polyfit(first_samples, heard["capture_ns"].astype(np.float64), 1)[0]
    assert abs(spacing_ns * RATE_HZ / 1e9 - 1) < 0.02
