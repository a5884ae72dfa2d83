"""Finding cameras, and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.errors import DeviceError
from realtime.sources import camera_address as address_module
from realtime.sources import devices
from realtime.sources.camera_address import CameraAddress, camera_address
from realtime.sources.devices import Camera, device_report, list_cameras

TWO = (Camera(0, "HD Webcam"), Camera(2, "USB Camera C920"))


def test_cameras_are_listed_without_their_metadata_files(tmp_path: Path) -> None:
    for number, index, name in ((10, 0, "Ten"), (2, 0, "USB Camera"), (3, 1, "USB Camera")):
        folder = tmp_path / f"sys/class/video4linux/video{number}"
        folder.mkdir(parents=True)
        (folder / "index").write_text(f"{index}\n")
        (folder / "name").write_text(f"{name}\n")
    assert list_cameras(tmp_path) == (Camera(2, "USB Camera"), Camera(10, "Ten"))
    assert Camera(2, "USB Camera").uri == "/dev/video2"
    assert list_cameras(tmp_path / "nothing") == ()


@pytest.mark.parametrize("uri", ["rtsp://host/1", "http://127.0.0.1:8080/camera.mjpg"])
def test_network_cameras(uri: str) -> None:
    assert camera_address(uri, ()) == CameraAddress(uri, uri, "ffmpeg")


def test_the_csi_camera_of_a_jetson() -> None:
    address = camera_address("csi://1", ())
    assert address.backend == "gstreamer"
    assert "sensor-id=1 " in str(address.wanted)
    with pytest.raises(DeviceError, match="csi://0 is the first"):
        camera_address("csi://left", ())


def test_cameras_by_number_file_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_module.sys, "platform", "linux")
    monkeypatch.setattr(address_module.Path, "exists", lambda self: True)
    for uri in ("2", "/dev/video2", "v4l2:///dev/video2", "c920"):
        assert camera_address(uri, TWO) == CameraAddress(uri, 2, "v4l2")
    assert camera_address(None, TWO).wanted == 0


def test_what_is_not_there_is_named_with_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_module.sys, "platform", "linux")
    monkeypatch.setattr(address_module.Path, "exists", lambda self: False)
    with pytest.raises(DeviceError, match=r"no camera '7'; found: 0 'HD Webcam', 2 'USB Cam"):
        camera_address("7", TWO)
    with pytest.raises(DeviceError, match="no camera 'brio'; found: none"):
        camera_address("brio", ())
    with pytest.raises(DeviceError, match="'cam' stands for several"):
        camera_address("cam", TWO)
    with pytest.raises(DeviceError, match=r"no camera was found.*--demo"):
        camera_address(None, ())


def test_the_report_survives_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DeviceError("the PortAudio library is missing; install it")

    monkeypatch.setattr(devices, "list_audio_devices", fail)
    report = device_report(TWO)
    assert "    2  USB Camera C920  (/dev/video2)" in report
    assert "the PortAudio library is missing" in report
    assert "none found" in device_report(())
