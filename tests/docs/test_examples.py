"""The examples of docs/examples run as they are, against the real player."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from realtime.options import OUTPUTS
from realtime.remix.recorded import read_wav
from tests.fakes.tiny_model import write_tiny_model
from tests.live.parts import end_process
from tests.realtime.sinks.outputs.rig import free_ports

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
COMING_S = 30.0


def example(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(EXAMPLES / name), *map(str, arguments)]


def said_by(name: str, *arguments: object) -> str:
    done = subprocess.run(
        example(name, *arguments),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_they_are_short_and_all_are_run_here() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    files = sorted(EXAMPLES.glob("*.py"))
    assert len(files) == 4
    for file in files:
        assert len(file.read_text(encoding="utf-8").splitlines()) < 60
        assert f'"{file.name}"' in here


def test_an_array_is_separated_without_a_player() -> None:
    said = said_by("separate_array.py")
    gained = re.findall(r"^(\w+): ([-\d.]+) dB gained$", said, re.MULTILINE)
    assert [name for name, _ in gained] == ["band_guitar", "band_flute"]
    assert min(float(db) for _, db in gained) > 6
    assert float(said.split()[-1]) < 1e-5


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["separate_array.py", "band_gong"], "error: no instrument 'band_gong'; there are "),
        (["remix_session.py"], "error: wanted SESSION OUT.wav"),
        (["remix_session.py", "no-such-folder", "out.wav"], "error: no-such-folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(line: list[str], said: str) -> None:
    done = subprocess.run(
        example(*line), capture_output=True, text=True, env=ENVIRONMENT, timeout=60, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


def test_a_running_player_is_read_faded_and_remixed(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")  # it finds nobody: all of the sound is the residual's
    first, desk, session = free_ports(OUTPUTS + 1), free_ports(1), tmp_path / "session"
    line = [sys.executable, "run_live.py", "--demo", "--view", "none", "--speaker", "none"]
    line += ["--model", str(tmp_path / "model"), "--engine", "onnxruntime", "--duration", "90"]
    line += ["--outputs", f"tcp:{first}", "--tap", "post-fader", "--osc", f"udp:{desk}"]
    player = subprocess.Popen([*line, "--record", str(session)], cwd=ROOT, stderr=subprocess.PIPE)
    reader = None
    try:
        reader, level = begun(first + OUTPUTS, player)
        assert level.rstrip().endswith("dBFS")
        heard_until(reader, lambda db: db > -60)
        said_by("fade_by_osc.py", desk, "/residual/gain", 1, 0, 0.2)
        heard_until(reader, lambda db: db < -110)
        said_by("fade_by_osc.py", desk, "/residual/gain", 0, 1, 0.2)
        heard_until(reader, lambda db: db > -60)
        player.send_signal(signal.SIGINT)
        player.wait(COMING_S)
        assert reader.wait(COMING_S) == 0
    finally:
        end_process(player)
        if reader is not None:
            end_process(reader)
    said = said_by("remix_session.py", session, tmp_path / "all.wav")
    assert "0 residual: kept" in said
    rate_hz, whole = read_wav(tmp_path / "all.wav")
    mixture_hz, mixture = read_wav(session / "mixture.wav")
    assert (rate_hz, len(whole) > rate_hz) == (mixture_hz, True)
    np.testing.assert_allclose(whole, mixture[: len(whole)], atol=1e-6)
    said_by("remix_session.py", session, tmp_path / "none.wav", 0)
    assert not read_wav(tmp_path / "none.wav")[1].any()


def begun(port: int, player: subprocess.Popen[bytes]) -> tuple[subprocess.Popen[bytes], str]:
    """The reading example and its first line, once there is something to connect to."""
    until = time.monotonic() + COMING_S
    while time.monotonic() < until and player.poll() is None:
        reader = subprocess.Popen(
            example("read_object.py", port),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        assert reader.stdout is not None
        if line := reader.stdout.readline():
            return reader, line.decode()
        end_process(reader)
    raise AssertionError("nobody gives an object's sound")


def heard_until(reader: subprocess.Popen[bytes], is_so: Callable[[float], bool]) -> None:
    """Read levels until one is as wanted; an endless player gives more than enough."""
    assert reader.stdout is not None
    for line in iter(reader.stdout.readline, b""):
        if is_so(float(line.split()[0])):
            return
    raise AssertionError("the player ended before that was heard")
