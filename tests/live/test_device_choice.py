"""Another microphone, speaker or camera, chosen while sound goes on: real servers, real sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.clock import SystemClock
from realtime.desk import Choice, Present
from realtime.engine_names import EngineNames
from realtime.messages import VideoFrame
from realtime.sources.camera import CameraDevice, CameraSource
from realtime.sources.listing import Lister
from tests.live.duplexing import Duplex
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw
from tests.live.sound_devices import (
    MICROPHONE,
    OTHER_MICROPHONE,
    OTHER_SPEAKER,
    SPEAKER,
    TwoOfEach,
)
from tests.live.tones import longest_silence_s, loud, strongest_hz, tone

FIRST_HZ, SECOND_HZ = 440.0, 990.0
LONGEST_GAP_S = 0.6  # at a busy machine; about what a plug costs that is put in again


@pytest.fixture
def devices() -> Iterator[TwoOfEach]:
    both = TwoOfEach()
    yield both
    both.close()


@pytest.fixture
def duplex(devices: TwoOfEach) -> Iterator[Duplex]:
    program = Duplex(devices)
    try:
        program.wait(lambda told: told["speaker"]["latency_ms"] > 0)
        yield program
        if program.process.poll() is None:
            program.end()
    finally:
        program.close()


def heard(server: PulseServer, paths: dict[str, Path]) -> list:
    return [server.record(path, f"{sink}.monitor") for sink, path in paths.items()]


def test_another_speaker_plays_on_and_the_first_is_silent(
    devices: TwoOfEach, duplex: Duplex, tmp_path: Path
) -> None:
    paths = {sink: tmp_path / sink for sink in ("spk", "spk2")}
    player = devices.microphone.play(tone(FIRST_HZ, 30.0))
    recorders = heard(devices.speaker, paths)
    try:
        time.sleep(2.0)
        duplex.ask("speaker", OTHER_SPEAKER)
        duplex.wait(lambda told: told["told"]["speaker"]["name"] == OTHER_SPEAKER)
        time.sleep(2.0)
    finally:
        for process in (*recorders, player):
            end_process(process)
    first, second = (loud(read_raw(path)[:, 0]) for path in paths.values())
    assert first.sum() > 100
    assert second.sum() > 100
    assert not first[-100:].any()
    assert second[-100:].mean() > 0.8
    assert gap_s(first, second) < LONGEST_GAP_S
    assert duplex.told["speaker"]["device_losses"] == 0
    assert duplex.told["told"]["speaker"]["said"] == f"speaker is '{OTHER_SPEAKER}' now"
    assert duplex.told["microphone"]["device_losses"] == 0


def gap_s(first: np.ndarray, second: np.ndarray) -> float:
    """From the end of the first to the beginning of the second; their recordings end together."""
    length = min(len(first), len(second))
    last = int(np.flatnonzero(first[-length:]).max())
    return max(int(np.argmax(second[-length:])) - last, 0) / 100


def test_another_microphone_is_heard_in_its_place_in_time(
    devices: TwoOfEach, duplex: Duplex, tmp_path: Path
) -> None:
    players = [
        devices.microphone.play(tone(FIRST_HZ, 30.0), "mic"),
        devices.microphone.play(tone(SECOND_HZ, 30.0), "mic2"),
    ]
    recorder = devices.speaker.record(tmp_path / "heard")
    try:
        time.sleep(2.0)
        duplex.ask("microphone", OTHER_MICROPHONE)
        duplex.wait(lambda told: told["told"]["microphone"]["name"] == OTHER_MICROPHONE)
        time.sleep(2.5)
    finally:
        for process in (recorder, *players):
            end_process(process)
    samples = read_raw(tmp_path / "heard")[:, 0]
    sounds = loud(samples)
    begin = int(np.argmax(sounds))
    assert strongest_hz(samples[480 * (begin + 10) :][: RATE_HZ // 2]) == pytest.approx(
        FIRST_HZ, abs=4.0
    )
    assert strongest_hz(samples[-RATE_HZ // 2 :]) == pytest.approx(SECOND_HZ, abs=4.0)
    assert longest_silence_s(sounds[begin:]) < LONGEST_GAP_S
    duplex.wait(lambda told: abs(told["behind_s"]) < 0.5)  # samples are where time is


@pytest.mark.parametrize("part", ["microphone", "speaker"])
def test_what_cannot_be_opened_is_told_and_the_first_goes_on(
    devices: TwoOfEach, duplex: Duplex, part: str
) -> None:
    duplex.ask(part, "nothing of this name")
    duplex.wait(lambda told: told["told"][part]["is_refusal"])
    told = duplex.told["told"][part]
    first = MICROPHONE if part == "microphone" else SPEAKER
    assert told["name"] == first
    assert f"no {part} 'nothing of this name'" in told["said"]
    assert told["said"].endswith(f"; '{first}' goes on")
    assert duplex.told[part]["device_losses"] == duplex.told[part]["device_exchanges"] == 0


def test_the_chosen_one_is_the_one_that_is_looked_for_when_it_goes(
    devices: TwoOfEach, duplex: Duplex
) -> None:
    duplex.ask("speaker", OTHER_SPEAKER)
    duplex.wait(lambda told: told["told"]["speaker"]["name"] == OTHER_SPEAKER)
    devices.speaker.kill()
    duplex.wait(lambda told: told["speaker"]["device_lost"] == 1.0)
    devices.speaker.restart()
    devices.speaker.load("spk2")
    duplex.wait(lambda told: told["speaker"]["device_reopened"] >= 1)
    assert f"speaker '{OTHER_SPEAKER}' is back after " in duplex.said


def test_the_list_follows_what_is_there(
    devices: TwoOfEach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in devices.environment.items():
        monkeypatch.setenv(name, value)
    lister = Lister(SystemClock(), EngineNames(str(tmp_path)))
    try:
        before = lister.look()
        assert {SPEAKER, OTHER_SPEAKER} <= set(before["speaker"])
        assert {MICROPHONE, OTHER_MICROPHONE} <= set(before["microphone"])
        devices.list_devices("plugged_in")
        after = lister.look()
        assert set(after["speaker"]) - set(before["speaker"]) == {"plugged_in"}
    finally:
        lister.close()


def test_another_camera_is_seen_and_the_first_is_given_back(camera: MjpegCamera) -> None:
    second = MjpegCamera()
    clock = SystemClock()
    source = CameraSource(CameraDevice(camera.url), stream="test", clock=clock, other=CameraDevice)
    source.open()
    numbers: list[int] = []

    def watch(*wishes: Choice) -> Present | None:
        given = {"control": [*wishes]} if wishes else {}
        told = None
        for _, message in source.step(clock.now_ns(), given):
            if isinstance(message, VideoFrame):
                numbers.append(message.sequence)
            elif isinstance(message, Present):
                told = message
        return told

    def until(said: str, *wishes: Choice) -> Present:
        give_up = time.monotonic() + 20.0
        told = watch(*wishes)
        while told is None or said not in told.said:
            assert time.monotonic() < give_up
            told = watch() or told
        return told

    def wish(name: str) -> Choice:
        return Choice(stream="test", sequence=0, part="camera", name=name)

    try:
        told = until("goes on", wish("http://127.0.0.1:9/nothing"))
        assert (told.is_refusal, told.name) == (True, camera.url)
        time.sleep(1.1)  # not at once again
        told = until("now", wish(second.url))
        assert (told.is_refusal, told.name) == (False, second.url)
        seen = len(numbers)
        camera.close()  # nobody needs it any more
        give_up = time.monotonic() + 10.0
        while len(numbers) < seen + 10:
            assert time.monotonic() < give_up
            watch()
        assert numbers == list(range(len(numbers)))
        assert source.stats()["device_losses"] == 0
    finally:
        source.close()
        second.close()
