"""The dial is turned while a tone goes from a microphone to a speaker: nobody hears when."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw
from tests.live.viewing import Viewing

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
TONE_HZ, TONE_S = 440.0, 17.0
LOUDNESS = 0.5


def turn(address: str, milliseconds: float) -> None:
    with Viewing(address) as viewing:
        viewing.ask(kind="lookahead", value=milliseconds)
        time.sleep(0.2)  # it is heard before we leave


def lookahead_ms(address: str) -> float | None:
    with Viewing(address) as viewing:
        ahead: float | None = viewing.told()["lookahead_ms"]
    return ahead


def clicks(heard: np.ndarray) -> np.ndarray:
    """What of a tone its own past does not say: 0 where it goes on as it was."""
    return heard[2:] - 2 * np.cos(2 * np.pi * TONE_HZ / RATE_HZ) * heard[1:-1] + heard[:-2]


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the kind that ships: its ears remember."""
    folder = tmp_path_factory.mktemp("streaming")
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


def heard_while_turned(
    pulse: PulseServer,
    camera: MjpegCamera,
    model: Path,
    recording: Path,
    turns_ms: Sequence[float],
) -> tuple[np.ndarray, list[float | None]]:
    """The tone as it was heard, and how far ahead the player said that it heard."""
    player = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--model", str(model)),
            *("--engine", "onnxruntime", "--video", camera.url, "--audio", "pulse"),
            *("--speaker", "pulse", "--view", "web"),
        ],
        env=pulse.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    recorder = pulse.record(recording)
    told: list[float | None] = []
    try:
        assert player.stdout is not None
        address = next(
            match.group() for line in player.stdout if (match := re.search(r"http://\S+/", line))
        )
        reader = threading.Thread(target=player.stdout.read)  # it must not wait for us
        reader.start()
        until = time.monotonic() + PATIENCE_S
        while lookahead_ms(address) is None and time.monotonic() < until:
            time.sleep(0.1)
        t_s = np.arange(round(TONE_S * RATE_HZ)) / RATE_HZ
        tone = LOUDNESS * np.sin(2 * np.pi * TONE_HZ * t_s)
        sound = pulse.play(tone.astype(np.float32))
        for milliseconds in turns_ms:
            time.sleep(4.0)
            turn(address, milliseconds)
            time.sleep(2.5)
            told.append(lookahead_ms(address))
        sound.wait(PATIENCE_S)
        player.terminate()
        player.wait(PATIENCE_S)
        reader.join()
    finally:
        end_process(player)  # type: ignore[arg-type]
        end_process(recorder)
    return read_raw(recording).mean(axis=1), told


@pytest.mark.parametrize(
    ("kind", "turns_ms"),
    # What looks at windows can look anywhere in them; the other at its own positions.
    [("model", (0.0, 186.0)), ("streaming", (0.0, 93.0)), ("streaming", (-23.2, 93.0))],
)
def test_a_tone_goes_on_while_the_dial_is_turned(  # noqa: PLR0917
    pulse: PulseServer,
    camera: MjpegCamera,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    kind: str,
    turns_ms: Sequence[float],
) -> None:
    """A machine that is busy may make a gap; a dial that clicks does so every time."""
    worst: list[tuple[float, float]] = []
    for attempt in range(3):
        heard, told = heard_while_turned(
            pulse, camera, request.getfixturevalue(kind), tmp_path / f"{attempt}.raw", turns_ms
        )
        assert told == [pytest.approx(milliseconds, abs=12.0) for milliseconds in turns_ms]
        first, last = np.flatnonzero(np.abs(heard) > 0.5 * LOUDNESS)[[0, -1]]
        whole = heard[first + RATE_HZ : last - RATE_HZ]
        assert len(whole) > 10 * RATE_HZ
        period = round(RATE_HZ / TONE_HZ)
        peaks = np.abs(whole[: len(whole) // period * period]).reshape(-1, period).max(axis=1)
        usual = float(np.median(peaks))
        gap, click = float(peaks.min()) / usual, float(np.abs(clicks(whole)).max()) / usual
        worst.append((gap, click))
        # A sample that is left out of the tone, or a gap, is a click of its own size or more.
        if gap > 0.7 and click < 0.1:
            return
    pytest.fail(f"lowest level and largest click, of the tone's own: {worst}")
