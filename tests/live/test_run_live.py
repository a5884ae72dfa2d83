"""The command as users run it: a real camera and microphone in, a real speaker out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pixelplayer import band
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
PLAYED_S = 8.0


def delay_samples(heard: np.ndarray, played: np.ndarray) -> tuple[int, float]:
    """Where ``played`` starts in ``heard``, and the correlation there (0..1)."""
    size = 1 << (len(heard) + len(played)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    place = int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))
    piece = heard[place : place + len(played)]
    part = played[: len(piece)]
    norm = float(np.linalg.norm(piece) * np.linalg.norm(part))
    return place, float(piece @ part) / norm if norm else 0.0


def wait_for(path: Path, player: subprocess.Popen[bytes]) -> None:
    """Until the recording has begun, which is when sound goes through."""
    for _ in range(round(PATIENCE_S / 0.1)):
        if path.exists() and path.stat().st_size > RATE_HZ:
            return
        assert player.poll() is None
        time.sleep(0.1)
    pytest.fail("the player does not start")


def test_microphone_and_camera_to_speaker(
    pulse: PulseServer, camera: MjpegCamera, model: Path, tmp_path: Path
) -> None:
    played = band.play("guitar", seed=3, duration_s=PLAYED_S, rate_hz=RATE_HZ)
    recording = tmp_path / "speaker.raw"
    session = tmp_path / "session"
    player = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--model", str(model)),
            *("--engine", "onnxruntime", "--video", camera.url, "--audio", "pulse"),
            *("--speaker", "pulse", "--view", "none", "--record", str(session)),
        ],
        env=pulse.environment,
        stdin=subprocess.DEVNULL,
    )
    recorder = pulse.record(recording)
    try:
        wait_for(session / "mixture.wav", player)
        sound = pulse.play(played)
        sound.wait(PATIENCE_S)
        time.sleep(2.0)  # the delay of the player and the devices, and the recorder's own
        player.send_signal(signal.SIGINT)
        assert player.wait(PATIENCE_S) == 130
    finally:
        end_process(player)
        end_process(recorder)
    heard = read_raw(recording).mean(axis=1)
    # What was played is what is heard: all gains are 1, so the player is a delayed wire. A second
    # is enough to see that; over eight, the two sound cards' clocks would differ. In the first
    # seconds the queue at the speaker is set right once, by cross-fades.
    _, alike = delay_samples(heard, played[5 * RATE_HZ : 6 * RATE_HZ])
    assert alike > 0.9
    said = json.loads((session / "session.json").read_text("utf-8"))
    assert said["latency_ms"]["p50"] > 0
    mixture, rate_hz = soundfile.read(session / "mixture.wav")
    parts = [soundfile.read(path)[0] for path in session.glob("object-*.wav")]
    residual, _ = soundfile.read(session / "residual.wav")
    assert rate_hz == said["sample_rate"]
    np.testing.assert_allclose(sum(parts) + residual, mixture, atol=1e-4)
