"""What is measured of devices, on real servers: offsets, delays and levels, and their use."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from calibration.pattern import Pattern
from realtime.rig import Rig, read_rig, write_rig
from tests.live.display import Display
from tests.live.flashing import program, show, stored_at, trial
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import RATE_HZ, PulseServer
from tests.live.screen_camera import ScreenCamera

ROOT = Path(__file__).parents[2]
PATIENCE_S = 90


def calibration(
    environment: dict[str, str] | None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "calibration", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def hearing_itself(pulse: PulseServer) -> dict[str, str]:
    """The microphone hears the speaker."""
    return {**pulse.environment, "PULSE_SOURCE": "spk.monitor"}


@pytest.mark.parametrize(("later_ms", "pictures_per_s"), [(-110.0, 30.0), (170.0, 25.0)])
def test_a_known_offset_is_found_within_10_ms(
    pulse: PulseServer, later_ms: float, pictures_per_s: float
) -> None:
    found = trial(pulse, Pattern(14), later_ms, pictures_per_s)
    assert abs(found.truth_ms - later_ms) < 100  # playing begins when it begins
    assert abs(found.found_ms - found.truth_ms) <= 10
    later = "the picture is" if found.found_ms > 0 else "the sound is"
    assert found.said.startswith(later)
    assert "14 sounds); by BT.1359" in found.said


def test_a_still_and_silent_room_is_told(pulse: PulseServer) -> None:
    camera = MjpegCamera(lambda _: np.full((48, 64, 3), 90, np.uint8))
    try:
        line = ["--video", camera.url, "--audio", "pulse", "--duration", "3"]
        result = calibration(pulse.environment, "av-offset", *line)
    finally:
        camera.close()
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith(
        "error: nothing was seen and nothing was heard"
    )
    assert not stored_at(pulse).exists()


def test_the_pattern_is_shown_as_it_is_heard(pulse: PulseServer, display: Display) -> None:
    """The screen's camera is two pictures late at most."""
    camera = ScreenCamera(display)
    try:
        result = calibration(
            {**hearing_itself(pulse), "DISPLAY": display.name},
            *("av-offset", "--pattern", "--video", camera.url),
            *("--audio", "pulse", "--speaker", "pulse"),
        )
    finally:
        camera.close()
    assert result.returncode == 0, result.stderr
    assert -20 < read_rig(stored_at(pulse)).offsets_ms[camera.url, "pulse"] < 80


def test_without_a_display_the_pattern_is_not_shown(
    pulse: PulseServer, camera: MjpegCamera
) -> None:
    environment = {name: v for name, v in pulse.environment.items() if name != "DISPLAY"}
    line = ["--pattern", "--video", camera.url, "--audio", "pulse"]
    result = calibration(environment, "av-offset", *line)
    assert result.returncode == 3
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: --pattern: there is no display")
    assert "clap before the camera instead" in last


def flashing_clip(path: Path, later_s: float) -> None:
    """The pattern as a file, its pictures late; at 25 a second."""
    pattern, rate = Pattern(), 25
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=rate)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        for number in range(round(pattern.duration_s * rate)):
            grey = 220 if pattern.is_lit(number / rate - later_s) else 30
            picture = np.full((64, 96, 3), grey, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = (32767 * pattern.sound(RATE_HZ)).astype(np.int16)
        for start in range(0, len(samples), 4800):
            block = np.ascontiguousarray(samples[None, start : start + 4800])
            sound = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            sound.rate, sound.pts, sound.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            container.mux(audio.encode(sound))
        container.mux(audio.encode(None))


@pytest.mark.parametrize("later_s", [-0.095, 0.140])
def test_a_file_tells_its_offset(tmp_path: Path, later_s: float) -> None:
    path = tmp_path / "clip.mkv"
    flashing_clip(path, later_s)
    result = calibration(None, "av-offset", "--source", str(path))
    assert result.returncode == 0, result.stderr
    command = result.stdout.splitlines()[-1]
    assert command.startswith(f"python run_live.py --source {path} --av-offset ")
    assert abs(float(command.rpartition(" ")[2]) - 1000 * later_s) <= 10


def test_a_file_that_is_not_there_is_told() -> None:
    result = calibration(None, "av-offset", "--source", "missing.mp4")
    assert result.returncode == 2
    assert result.stderr.startswith("error: there is no file missing.mp4")


def test_the_loop_s_delay_is_what_lies_between(pulse: PulseServer) -> None:
    line = ["loop-latency", "--speaker", "pulse", "--audio", "pulse"]
    direct = calibration(hearing_itself(pulse), *line)
    assert direct.returncode == 0, direct.stderr
    assert "8 bursts within" in direct.stdout
    direct_ms = read_rig(stored_at(pulse)).untold_ms["pulse", "pulse"]
    assert abs(direct_ms) < 30  # these devices tell nearly all
    subprocess.run(
        [
            *("pactl", "load-module", "module-loopback", "source=spk.monitor", "sink=mic"),
            "latency_msec=200",
        ],
        env=pulse.environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    time.sleep(4.0)  # until it has found its pace
    longer = calibration(pulse.environment, *line)
    assert longer.returncode == 0, longer.stderr
    longer_ms = read_rig(stored_at(pulse)).untold_ms["pulse", "pulse"]
    assert abs(longer_ms - direct_ms - 200) < 25


def test_a_speaker_that_is_not_heard_is_told(pulse: PulseServer) -> None:
    line = ["loop-latency", "--speaker", "pulse", "--audio", "pulse"]
    result = calibration(pulse.environment, *line)
    assert result.returncode == 2
    assert "error: the microphone heard 0 of 8 bursts" in result.stderr
    assert not stored_at(pulse).exists()


def test_levels_give_the_gain(pulse: PulseServer) -> None:
    seconds = np.arange(12 * RATE_HZ) // RATE_HZ
    quiet = np.where(seconds % 2, 0.01, 0.0001)  # -40 and -80 dB
    noise = np.random.default_rng(0).uniform(-1, 1, len(quiet)) * np.sqrt(3) * quiet
    playing = pulse.play(noise.astype(np.float32))
    try:
        result = calibration(pulse.environment, "levels", "--audio", "pulse")
    finally:
        playing.kill()
        playing.wait(10)
    assert result.returncode == 0, result.stderr
    assert "0 samples clipped" in result.stdout
    assert read_rig(stored_at(pulse)).gains_db["pulse"] == pytest.approx(17, abs=1)


def test_a_muted_microphone_and_a_shouting_one_are_told(pulse: PulseServer) -> None:
    silent = calibration(pulse.environment, "levels", "--audio", "pulse", "--duration", "1")
    assert silent.returncode == 2
    assert "the microphone gives silence" in silent.stderr
    seconds = np.arange(12 * RATE_HZ) // RATE_HZ
    square = np.where(np.arange(len(seconds)) // 100 % 2, 1.0, -1.0) * (seconds % 2)
    playing = pulse.play(square.astype(np.float32))
    try:
        loud = calibration(pulse.environment, "levels", "--audio", "pulse")
    finally:
        playing.kill()
        playing.wait(10)
    assert loud.returncode == 2
    assert "turn it down" in loud.stderr
    assert not stored_at(pulse).exists()


def live(
    pulse: PulseServer, camera: MjpegCamera, model: Path, session: Path, *more: str
) -> tuple[dict[str, object], str]:
    """What ``session.json`` says of sync, and what was told, after a short run."""
    result = subprocess.run(
        [
            *(sys.executable, "run_live.py", "--model", str(model), "--engine", "onnxruntime"),
            *("--video", camera.url, "--audio", "pulse", "--speaker", "pulse", "--view", "web"),
            *("--record", str(session), "--duration", "4", *more),
        ],
        cwd=ROOT,
        env=pulse.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert result.returncode == 0, result.stderr
    sync: dict[str, object] = json.loads((session / "session.json").read_text("utf-8"))["sync"]
    return sync, result.stderr


def test_a_live_run_uses_what_was_measured(
    pulse: PulseServer, camera: MjpegCamera, model: Path, tmp_path: Path
) -> None:
    pair = (camera.url, "pulse")
    write_rig(stored_at(pulse), Rig(offsets_ms={pair: 80.0}, gains_db={"pulse": 6.0}))
    sync, told = live(pulse, camera, model, tmp_path / "stored")
    assert (sync["av_offset_ms"], sync["gain_db"]) == (80.0, 6.0)
    assert sync["bt1359"] in ("not seen", "seen", "not acceptable")
    assert "camera +80 ms from the microphone, as measured" in told
    sync, told = live(pulse, camera, model, tmp_path / "asked", "--av-offset", "-30")
    assert (sync["av_offset_ms"], sync["gain_db"]) == (-30.0, 6.0)
    assert "camera" not in told


def test_a_live_run_goes_on_without_a_damaged_file(
    pulse: PulseServer, camera: MjpegCamera, model: Path, tmp_path: Path
) -> None:
    path = stored_at(pulse)
    path.parent.mkdir(parents=True)
    path.write_text("{}", encoding="utf-8")
    sync, told = live(pulse, camera, model, tmp_path / "session")
    assert sync["av_offset_ms"] == 0.0
    assert len([line for line in told.splitlines() if str(path) in line]) == 1
    assert "remove it and measure again" in told


def test_what_a_live_run_gets_is_set_right(pulse: PulseServer, model: Path) -> None:
    """Its sources have the offset that is left after what was measured."""

    def watch(url: str, duration_s: float) -> subprocess.Popen[bytes]:
        write_rig(stored_at(pulse), Rig(offsets_ms={(url, "pulse"): 120.0}))
        line = ["-m", "tests.live.watch_sources", f"{duration_s:.1f}", "--model", str(model)]
        return program(pulse, *line, "--engine", "onnxruntime", "--video", url, "--audio", "pulse")

    shown = show(pulse, Pattern(14), 150.0, 30.0, watch)
    assert shown.exit_code == 0, shown.told
    assert abs(float(shown.said) - (shown.truth_ms - 120)) <= 10
