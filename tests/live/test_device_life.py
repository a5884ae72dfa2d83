"""Microphones and speakers that go, hang, and come back, on real sound servers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from realtime.heartbeat import JUMP_S
from tests.live.duplexing import PATIENCE_S, Duplex
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer, read_raw
from tests.live.sound_devices import MICROPHONE, SPEAKER, SoundDevices

SINKS = {"microphone": "mic", "speaker": "spk"}
NAMES = {"microphone": MICROPHONE, "speaker": SPEAKER}


@pytest.fixture
def devices() -> Iterator[SoundDevices]:
    both = SoundDevices()
    yield both
    both.close()


@pytest.fixture
def duplex(devices: SoundDevices) -> Iterator[Duplex]:
    program = Duplex(devices)
    try:
        program.wait(lambda told: told["speaker"]["latency_ms"] > 0)
        yield program
        if program.process.poll() is None:
            program.end()
    finally:
        program.close()


def server(devices: SoundDevices, device: str) -> PulseServer:
    return devices.microphone if device == "microphone" else devices.speaker


def lost(device: str) -> Callable[[dict[str, Any]], bool]:
    return lambda told: told[device]["device_lost"] == 1.0


def back(device: str, times: int = 1) -> Callable[[dict[str, Any]], bool]:
    return lambda told: (
        told[device]["device_lost"] == 0.0 and told[device]["device_reopened"] >= times
    )


def check_rest(duplex: Duplex, device: str) -> None:
    """The other device never stopped, and the run's samples are where time is."""
    other = "speaker" if device == "microphone" else "microphone"
    assert duplex.told[other]["device_losses"] == 0, duplex.said
    duplex.wait(lambda told: abs(told["behind_s"]) < 0.5)
    assert f"{device} '{NAMES[device]}' " in duplex.said
    assert "all else goes on, waiting for it by name" in duplex.said


@pytest.mark.parametrize("device", ["microphone", "speaker"])
def test_a_server_that_is_killed_and_started_again(
    devices: SoundDevices, duplex: Duplex, device: str
) -> None:
    server(devices, device).kill()
    duplex.wait(lost(device))
    duplex.wait(lambda _: f"still waiting for {device} '{NAMES[device]}' by name" in duplex.said)
    assert f"no {device} '{NAMES[device]}'; found: " in duplex.said
    server(devices, device).restart()
    duplex.wait(back(device))
    check_rest(duplex, device)
    assert f"{device} '{NAMES[device]}' has gone" in duplex.said
    assert f"{device} '{NAMES[device]}' is back after " in duplex.said


@pytest.mark.parametrize("device", ["microphone", "speaker"])
def test_a_server_that_freezes(devices: SoundDevices, duplex: Duplex, device: str) -> None:
    server(devices, device).freeze()
    duplex.wait(lost(device))  # no callback came any more, and no error
    server(devices, device).thaw()
    duplex.wait(back(device))
    check_rest(duplex, device)
    assert f"{device} '{NAMES[device]}' has been silent for 2." in duplex.said


@pytest.mark.parametrize("device", ["microphone", "speaker"])
def test_a_device_that_is_pulled_out_and_has_another_number_afterwards(
    devices: SoundDevices, duplex: Duplex, device: str
) -> None:
    server(devices, device).unload(SINKS[device])
    duplex.wait(lost(device))
    devices.list_devices("first_of_all", "another")
    server(devices, device).load(SINKS[device])
    duplex.wait(back(device))
    check_rest(duplex, device)


def test_what_is_said_after_the_return_is_heard(
    devices: SoundDevices, duplex: Duplex, tmp_path: Path
) -> None:
    for device in ("speaker", "microphone"):
        server(devices, device).kill()
        duplex.wait(lost(device))
        server(devices, device).restart()
        duplex.wait(back(device))
    recorder = devices.speaker.record(tmp_path / "heard.f32")
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    tone = (0.2 * np.sin(2 * np.pi * 440.0 * time_s)).astype(np.float32)
    player = devices.microphone.play(tone)
    try:
        assert player.wait(PATIENCE_S) == 0
        time.sleep(0.5)
    finally:
        end_process(player)
        end_process(recorder)
    heard = read_raw(tmp_path / "heard.f32")[:, 0]
    loud = np.abs(heard) > 0.1
    assert loud.sum() > RATE_HZ / 2
    first = int(np.argmax(loud)) + RATE_HZ // 4
    middle = heard[first : first + RATE_HZ // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(middle.size)))
    assert np.argmax(spectrum) * RATE_HZ / middle.size == pytest.approx(440.0, abs=4.0)


def test_a_process_that_stands_still_is_replaced(duplex: Duplex) -> None:
    before = duplex.host_of("speaker")
    os.kill(before, signal.SIGSTOP)
    duplex.wait(lost("speaker"))
    duplex.wait(back("speaker"))
    assert not psutil.pid_exists(before)
    check_rest(duplex, "speaker")


def test_a_program_that_ends_while_a_server_hangs(devices: SoundDevices, duplex: Duplex) -> None:
    family = psutil.Process(duplex.process.pid)
    devices.speaker.freeze()
    duplex.wait(lost("speaker"))
    duplex.wait(lambda _: len(family.children()) == 2)  # one hangs, looking for the speaker
    hosts = family.children()
    duplex.end()
    assert psutil.wait_procs(hosts, timeout=10)[1] == []


def test_a_machine_that_slept(duplex: Duplex) -> None:
    family = psutil.Process(duplex.process.pid)
    members = [family, *family.children()]
    for member in members:
        member.suspend()
    time.sleep(JUMP_S + 1.0)
    for member in members:
        member.resume()
    for device in ("microphone", "speaker"):
        duplex.wait(lambda told, device=device: told[device]["device_losses"] >= 1)
        duplex.wait(back(device))
        assert f"{device} '{NAMES[device]}' stood still for " in duplex.said
    duplex.wait(lambda told: abs(told["behind_s"]) < 0.5)


def test_no_process_of_a_device_outlives_the_program(duplex: Duplex) -> None:
    hosts = psutil.Process(duplex.process.pid).children()
    assert len(hosts) == 2
    duplex.process.kill()
    duplex.process.wait(10)
    assert psutil.wait_procs(hosts, timeout=10)[1] == []
