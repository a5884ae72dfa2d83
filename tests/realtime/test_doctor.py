from __future__ import annotations

import importlib.metadata
import io
import os
import sys
from pathlib import Path

import pytest

from realtime.command_line import parse
from realtime.doctor import Finding, examine, is_closed
from realtime.errors import DeviceError
from realtime.sources.devices import Camera
from tests.fakes.tiny_model import write_tiny_model


def lines_of(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = examine(parse(["--doctor", *arguments]), environment or {}, out)
    return code, out.getvalue().splitlines()


def line_of(lines: list[str], part: str) -> str:
    (found,) = [line for line in lines if line[8:30].rstrip() == part]
    return found


def test_a_line_per_part(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    code, lines = lines_of("--model", str(tmp_path), environment={"DISPLAY": ":7"})
    assert code == 0
    for part in ("python", "numpy", "opencv", "pyzmq", "pyav", "onnxruntime", "openvino", "model"):
        assert line_of(lines, part).startswith("ok")
    assert ":7" in line_of(lines, "display")
    assert all(line.startswith("ok ") or "; mend it with: " in line for line in lines)


def test_a_missing_model_is_what_no_run_can_do_without(tmp_path: Path) -> None:
    code, lines = lines_of("--model", str(tmp_path / "none"))
    assert code == 3
    assert line_of(lines, "model").startswith("missing")
    assert line_of(lines, "display").endswith("mend it with: python run_live.py --view web")


def test_no_write_access(tmp_path: Path) -> None:
    _, lines = lines_of("--record", str(tmp_path / "none"))
    assert "No such file or directory" in line_of(lines, "write access")


def test_portaudio_that_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(wanted: str | None, direction: str) -> None:
        raise DeviceError("the PortAudio library is missing; install it with: sudo apt-get x")

    monkeypatch.setattr("realtime.portaudio.find_audio_device", no_library)
    _, lines = lines_of()
    for part in ("microphone", "speaker"):
        assert line_of(lines, part).endswith("missing; mend it with: sudo apt-get x")


def without_devices(monkeypatch: pytest.MonkeyPatch, problem: str, *closed: str) -> list[str]:
    def nothing(wanted: str | None, direction: str) -> None:
        raise DeviceError(problem)

    monkeypatch.setattr("realtime.portaudio.find_audio_device", nothing)
    monkeypatch.setattr("realtime.sources.devices.list_cameras", tuple)
    monkeypatch.setattr("realtime.doctor.is_closed", lambda devices: devices in closed)
    monkeypatch.setattr(sys, "platform", "linux")
    code, lines = lines_of()
    assert code == 0  # files and the demo play all the same
    return lines


def test_how_to_get_a_device_is_told_and_how_to_try_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = without_devices(monkeypatch, "no device was found; plug one in")
    for part, other in (("microphone", "--source browser"), ("camera", "--video rtsp://...")):
        line = line_of(lines, part)
        assert line.startswith("missing")
        assert line.index("plug one in") < line.index("--list-devices") < line.index(other)
        assert line.endswith("to try without one: python run_live.py --demo")
    assert line_of(lines, "speaker").endswith("--speaker none")


def test_devices_that_are_closed_are_opened_by_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = without_devices(monkeypatch, "no device was found; plug one in", "snd/pcm*")
    assert "mend it with: sudo usermod -aG audio $USER" in line_of(lines, "microphone")
    monkeypatch.setattr("realtime.doctor.is_closed", lambda devices: devices == "video*")
    monkeypatch.setattr("realtime.sources.devices.list_cameras", lambda: (Camera(0, "a camera"),))
    line = line_of(lines_of()[1], "camera")
    assert "may not open /dev/video0" in line
    assert "sudo usermod -aG video $USER" in line


def test_without_a_default_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = without_devices(monkeypatch, "the system has no default one; found: 1 'x'; see: y")
    assert "run_live.py --audio NAME" in line_of(lines, "microphone")
    assert "run_live.py --speaker NAME" in line_of(lines, "speaker")


def test_what_is_closed(tmp_path: Path) -> None:
    assert not is_closed("video*", tmp_path)
    (tmp_path / "video0").touch()
    assert not is_closed("video*", tmp_path)
    if os.geteuid():  # the administrator may all
        (tmp_path / "video0").chmod(0)
        assert is_closed("video*", tmp_path)


@pytest.mark.parametrize(
    ("may", "state", "told"),
    [(True, "ok", "this user may"), (False, "missing", "&& sudo usermod -aG audio $USER")],
)
def test_whether_sound_may_run_in_real_time(
    monkeypatch: pytest.MonkeyPatch, may: bool, state: str, told: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("realtime.doctor.may_run_in_real_time", lambda: may)
    code, lines = lines_of()
    assert code == 0
    line = line_of(lines, "sound in real time")
    assert line.startswith(state)
    assert line.endswith(told)


def test_a_package_that_does_not_load_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    code, lines = lines_of()
    assert code == 3
    assert "pip install av" in line_of(lines, "pyav")


def test_a_package_of_the_system_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """As OpenCV on a board: pip knows nothing of it."""
    known = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("opencv-python", "cv2"):
            raise importlib.metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "packages_distributions", dict)
    _, lines = lines_of()
    assert line_of(lines, "opencv").endswith("of unknown version")


def test_lines() -> None:
    assert Finding(part="x", found="1.0").line() == "ok      x                     1.0"
    assert Finding(part="x", found="gone", mend="do").line().endswith("gone; mend it with: do")
