"""What a run takes from what is stored of its devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.command_line import parse
from realtime.options import RigOptions
from realtime.portaudio import AudioDevice
from realtime.remembered import remembered
from realtime.rig import Rig, rig_path, write_rig

LIVE = ("camera", "microphone", "speaker")
URL = "http://user:secret@camera.local/stream"
RIG = Rig(
    offsets_ms={("http://camera.local/stream", "USB Audio"): 83.0},
    gains_db={"USB Audio": 6.0},
    untold_ms={("Loudspeaker", "USB Audio"): 14.0},
)


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    def device(number: int, name: str, inputs: int, outputs: int) -> AudioDevice:
        return AudioDevice(number, name, "ALSA", inputs, outputs, 48_000, inputs > 0, outputs > 0)

    found = (device(0, "USB Audio", 1, 0), device(1, "Loudspeaker", 0, 2))
    monkeypatch.setattr("realtime.portaudio.list_audio_devices", lambda: found)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    environment = {"HOME": str(tmp_path)}
    path = rig_path(environment)
    assert path is not None
    write_rig(path, RIG)
    return environment


def taken(
    environment: dict[str, str], line: str, stages: tuple[str, ...] = LIVE
) -> tuple[RigOptions, list[str]]:
    told: list[str] = []
    return remembered(parse(line.split()), stages, environment, told.append), told


def test_the_devices_that_are_meant_are_set_right(environment: dict[str, str]) -> None:
    rig, told = taken(environment, f"--video {URL}")
    assert rig == RigOptions(av_offset_ms=83.0, gain_db=6.0, untold_ms=14.0)
    assert told == [
        "camera +83 ms from the microphone, as measured",
        "microphone +6 dB, as measured",
    ]
    assert taken(environment, f"--video {URL} --audio usb")[0] == rig


def test_what_is_asked_for_wins(environment: dict[str, str]) -> None:
    rig, told = taken(environment, f"--video {URL} --av-offset -20.5 --gain 0")
    assert rig == RigOptions(av_offset_ms=-20.5, gain_db=0.0, untold_ms=14.0)
    assert told == []


def test_other_devices_are_left_as_they_are(environment: dict[str, str]) -> None:
    other = taken(environment, "--video http://other.local/")[0]
    assert other == RigOptions(gain_db=6.0, untold_ms=14.0)
    silent = taken(environment, f"--video {URL} --speaker none")[0]
    assert silent == RigOptions(av_offset_ms=83.0, gain_db=6.0)
    without = taken(environment, "--video none", ("microphone", "speaker"))[0]
    assert without == RigOptions(gain_db=6.0, untold_ms=14.0)


@pytest.mark.parametrize("stages", [("media", "speaker"), ("demo",), ("camera", "track")])
def test_without_a_microphone_nothing_is_taken(
    environment: dict[str, str], stages: tuple[str, ...]
) -> None:
    assert taken(environment, "", stages) == (RigOptions(), [])
    assert taken(environment, "--av-offset 5", stages)[0] == RigOptions(av_offset_ms=5.0)


def test_a_device_that_is_missing_is_told_of_when_it_is_opened(environment: dict[str, str]) -> None:
    assert taken(environment, "--audio violin") == (RigOptions(), [])


def test_a_damaged_file_is_told_and_the_run_goes_on(environment: dict[str, str]) -> None:
    path = rig_path(environment)
    assert path is not None
    path.write_text("{", encoding="utf-8")
    rig, told = taken(environment, f"--video {URL} --av-offset 5")
    assert rig == RigOptions(av_offset_ms=5.0)
    assert len(told) == 1
    assert str(path) in told[0]
    assert "remove it" in told[0]


def test_without_a_home_nothing_is_taken() -> None:
    assert taken({}, "") == (RigOptions(), [])
