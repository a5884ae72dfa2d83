"""The page's record button and lists, pressed in a real browser; sound out of real null sinks."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from realtime.remix.recorded import open_recorded
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model
from tests.live.browser import open_browser, until
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw
from tests.live.test_device_choice import FIRST_HZ, LONGEST_GAP_S, SECOND_HZ
from tests.live.tones import longest_silence_s, loud, strongest_hz, tone
from tests.live.viewing import Viewing

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    "kitchen": "spk",
    "studio": "desk",
    "headset": "mic.monitor",
    "handheld": "mic2.monitor",
}


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    server = PulseServer(("spk", "desk", "mic", "mic2"))
    entries = [
        f'pcm.{name} {{ type pulse server "{server.address}" device "{device}" }}\n'
        for name, device in NAMES.items()
    ]
    (server.home / ".asoundrc").write_text("".join(entries))
    yield server
    server.close()


@pytest.fixture(scope="module")
def streaming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of the kind that ships: its ears remember."""
    folder = tmp_path_factory.mktemp("streaming")
    write_tiny_model(folder, tiny_streaming_spec())
    return folder


@contextmanager
def playing(pulse: PulseServer, options: Sequence[str]) -> Iterator[str]:
    """The address of the page of a player, as it plays; its engine is onnxruntime."""
    player = subprocess.Popen(
        [
            *(sys.executable, str(ROOT / "run_live.py"), "--view", "web"),
            *("--engine", "onnxruntime", *options),
        ],
        env=pulse.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert player.stdout is not None
        address = next(
            match.group() for line in player.stdout if (match := re.search(r"http://\S+/", line))
        )
        reader = threading.Thread(target=player.stdout.read)  # it must not wait for us
        reader.start()
        yield address
        player.terminate()
        reader.join()
    finally:
        end_process(player)  # type: ignore[arg-type]


@pytest.fixture
def page() -> Iterator[Page]:
    with open_browser() as opened:
        yield opened


LABEL = "document.querySelector('#record span').textContent"
SAID = "document.getElementById('recorded').textContent"
CHOSEN = "document.getElementById('chosen').textContent"


def marked(part: str) -> str:
    """The script for the entry of a list that is marked as the present one."""
    options = f"[...document.querySelectorAll('#choose-{part} option')]"
    return f"{options}.find(one => one.text.endsWith('✓'))?.value"


def offered(page: Page, part: str) -> list[str]:
    script = f"[...document.querySelectorAll('#choose-{part} option')].map(one => one.value)"
    found: list[str] = page.evaluate(script)
    return found


def test_the_button_makes_a_session_that_can_be_mixed_again(
    pulse: PulseServer, page: Page, tmp_path: Path
) -> None:
    recordings = tmp_path / "takes"
    with playing(pulse, ["--demo", "--speaker", "kitchen", "--recordings", str(recordings)]) as url:
        page.goto(url)
        until(page, "document.querySelectorAll('.card').length >= 3")
        page.get_by_role("button", name="Record").click()
        until(page, "document.getElementById('record').ariaPressed === 'true'")
        until(page, f"{LABEL} === '0:04'")
        with Viewing(url) as other:  # whoever comes later sees it, too
            assert other.told("recording")["recording"]["elapsed_s"] >= 4
        page.keyboard.press("t")
        until(page, f"{LABEL} === 'Record' && {SAID}.startsWith('Recorded ')")
        said = page.inner_text("#recorded")
    folder = Path(said.rpartition(" in ")[2])
    assert folder.parent == recordings
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    recorded = open_recorded(folder)
    assert float(said.split()[1]) == pytest.approx(recorded.samples / recorded.rate_hz, abs=0.05)
    assert recorded.samples > 3 * recorded.rate_hz
    assert recorded.picture is not None
    mixture = sum(track.samples.astype(np.float64) for track in recorded.tracks)
    assert np.abs(mixture).max() > 0.01
    remix = ("remix", str(folder), "--mute", "residual", "--out", str(tmp_path / "again.mp4"))
    done = subprocess.run(
        [sys.executable, "-m", "realtime", *remix],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again.mp4").stat().st_size > 10_000


def test_a_folder_that_cannot_be_written_to_is_told_and_the_sound_goes_on(
    pulse: PulseServer, page: Page, streaming: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    recordings = str(tmp_path / "file" / "takes")
    options = ["--demo", "--model", str(streaming), "--speaker", "kitchen"]
    with playing(pulse, [*options, "--recordings", recordings]) as url:
        page.goto(url)
        until(page, "!document.getElementById('record').hidden")
        page.click("#record")
        until(page, f"{SAID}.includes('cannot be made')")
        assert "refused" in (page.get_attribute("#recorded", "class") or "")
        assert page.evaluate(LABEL) == "Record"
        recorder = pulse.record(tmp_path / "heard")
        page.wait_for_timeout(2000)
        end_process(recorder)
    assert loud(read_raw(tmp_path / "heard")[:, 0]).mean() > 0.8


def test_speaker_and_microphone_are_chosen_on_the_page(
    pulse: PulseServer, page: Page, camera: MjpegCamera, streaming: Path, tmp_path: Path
) -> None:
    players = [pulse.play(tone(FIRST_HZ, 60.0), "mic"), pulse.play(tone(SECOND_HZ, 60.0), "mic2")]
    options = ["--model", str(streaming), "--video", camera.url, "--audio", "headset"]
    try:
        with playing(pulse, [*options, "--speaker", "kitchen"]) as url:
            page.goto(url)
            until(page, "!document.getElementById('rig').hidden")
            page.click("#rig summary")
            until(page, f"{marked('speaker')} === 'kitchen'")
            until(page, f"{marked('microphone')} === 'headset'")
            assert offered(page, "camera") == [camera.url]
            until(page, "document.querySelectorAll('#choose-speaker option').length > 2")
            assert {"kitchen", "studio"} <= set(offered(page, "speaker"))
            assert {"headset", "handheld"} <= set(offered(page, "microphone"))
            page.select_option("#choose-speaker", "studio")
            until(page, f"{marked('speaker')} === 'studio' && {CHOSEN}.includes('studio')")
            page.select_option("#choose-microphone", "handheld")
            until(page, f"{marked('microphone')} === 'handheld'")
            until(page, "document.querySelectorAll('#choose-vision option').length > 1")
            page.select_option("#choose-vision", "openvino/fp32")
            until(page, f"{marked('vision')} === 'openvino/fp32'")
            engines = "document.getElementById('engines').textContent"
            until(page, f"{engines} === 'openvino/fp32 + onnxruntime/fp32'")
            page.wait_for_timeout(2000)
            recorders = [
                pulse.record(tmp_path / sink, f"{sink}.monitor") for sink in ("spk", "desk")
            ]
            page.wait_for_timeout(2000)
            for recorder in recorders:
                end_process(recorder)
    finally:
        for player in players:
            end_process(player)
    assert not loud(read_raw(tmp_path / "spk")[:, 0]).any()
    heard = read_raw(tmp_path / "desk")[:, 0]
    assert loud(heard).mean() > 0.9
    assert strongest_hz(heard[-RATE_HZ:]) == pytest.approx(SECOND_HZ, abs=4.0)


def test_engines_are_exchanged_while_sound_goes_on(
    pulse: PulseServer, camera: MjpegCamera, streaming: Path, tmp_path: Path
) -> None:
    """That no column is missed is shown by the stage alone; here, that all parts work together.

    There is no browser: it alone would need the cores.
    """
    player = pulse.play(tone(FIRST_HZ, 90.0), "mic")
    options = ["--model", str(streaming), "--video", camera.url, "--audio", "headset"]
    second = "openvino/fp32"
    try:
        with playing(pulse, [*options, "--speaker", "kitchen"]) as url, Viewing(url) as viewing:
            viewing.ask(kind="list")
            while second not in told(viewing, "sound")["offered"]:  # packages are loaded for that
                viewing.ask(kind="list")
            told_for(viewing, 3.0)
            recorder = pulse.record(tmp_path / "heard")
            told_for(viewing, 0.5)
            for part in ("sound", "vision"):
                viewing.ask(kind="choose", part=part, name=second)
                while told(viewing, part)["name"] != second:
                    pass
            told_for(viewing, 1.5)
            assert viewing.told("numbers")["numbers"]["engines"] == second
            end_process(recorder)
    finally:
        end_process(player)
    heard = loud(read_raw(tmp_path / "heard")[:, 0])
    assert len(heard) > 200
    assert longest_silence_s(heard[20:]) < LONGEST_GAP_S
    assert heard[20:].mean() > 0.8


def told(viewing: Viewing, part: str) -> dict[str, Any]:
    """What is known of a part of the rig, once it is."""
    while True:
        for one in viewing.told("parts")["parts"]:
            if one["part"] == part:
                found: dict[str, Any] = one
                return found


def told_for(viewing: Viewing, duration_s: float) -> None:
    """Watch for a while: who does not is let go."""
    until_s = time.monotonic() + duration_s
    while time.monotonic() < until_s:
        viewing.take()


def test_nothing_can_be_chosen_that_was_not_offered(pulse: PulseServer, streaming: Path) -> None:
    options = ["--demo", "--model", str(streaming), "--speaker", "kitchen"]
    with playing(pulse, options) as url, Viewing(url) as viewing:
        while not viewing.told("parts")["parts"]:
            pass
        for name in ("http://127.0.0.1:9/", "studio", ""):  # nobody has looked yet
            viewing.ask(kind="choose", part="speaker", name=name)
            assert "no speaker of this name" in viewing.told("refused")["refused"]
        for _ in range(2000):  # a flood
            viewing.ask(kind="list")
        viewing.ask(kind="choose", part="speaker", name="kitchen")
        assert json.dumps(viewing.told("parts"))
