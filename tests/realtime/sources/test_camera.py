"""The camera stage, on a camera that the test plays."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

import numpy as np
import pytest

from realtime import device_life
from realtime.errors import DeviceError
from realtime.messages import VideoFrame
from realtime.picture import CaptureError
from realtime.sources import camera_stream
from realtime.sources.camera import CameraDevice, CameraSource
from realtime.sources.camera_address import CameraAddress
from realtime.sources.devices import Camera
from tests.fakes.clock import FakeClock

URL = "http://user:secret@camera/stream"


class PlayedCamera:
    """Gives what the test puts in: pictures, or None for "gone"."""

    def __init__(self) -> None:
        self.pictures: queue.Queue[np.ndarray | None] = queue.Queue()
        self.closed = False
        self._grabbed: np.ndarray | None = None

    def grab(self) -> bool:
        self._grabbed = self.pictures.get(timeout=10)
        return self._grabbed is not None

    def retrieve(self) -> np.ndarray | None:
        return self._grabbed

    def close(self) -> None:
        self.closed = True


def picture(value: int, height: int = 4, width: int = 6) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def opened(
    connect: Callable[[CameraAddress], PlayedCamera], longest_side_px: int = 100
) -> CameraSource:
    source = CameraSource(
        CameraDevice(URL, connect),
        stream="live",
        clock=FakeClock(now_ns=42),
        longest_side_px=longest_side_px,
    )
    source.open()
    return source


def next_frame(source: CameraSource) -> VideoFrame:
    give_up = time.monotonic() + 10.0
    while time.monotonic() < give_up:
        for topic, message in source.step(time.monotonic_ns(), {}):
            if topic == "video":
                assert isinstance(message, VideoFrame)
                return message
    pytest.fail("no picture came")


def test_pictures_come_once_each_with_their_time() -> None:
    camera = PlayedCamera()
    source = opened(lambda _: camera)
    for value in (1, 2):
        camera.pictures.put(picture(value))
        frame = next_frame(source)
        assert (frame.sequence, frame.capture_ns) == (value - 1, 42)
        assert frame.pixels[0, 0, 0] == value
    assert not [topic for topic, _ in source.step(0, {}) if topic == "video"]
    assert not source.finished
    camera.pictures.put(None)
    source.close()


def test_only_the_newest_is_given_and_the_rest_counted() -> None:
    camera = PlayedCamera()
    source = opened(lambda _: camera)
    camera.pictures.put(picture(0))
    next_frame(source)
    for value in range(1, 6):
        camera.pictures.put(picture(value))
    while not camera.pictures.empty():
        pass
    values = []
    while not values or values[-1] != 5:
        values.append(int(next_frame(source).pixels[0, 0, 0]))
    assert source.stats()["passed_pictures"] == 5 - len(values)
    camera.pictures.put(None)
    source.close()


def test_large_pictures_are_reduced() -> None:
    camera = PlayedCamera()
    source = opened(lambda _: camera, longest_side_px=3)
    camera.pictures.put(picture(9))
    assert next_frame(source).pixels.shape == (2, 3, 3)
    camera.pictures.put(None)
    source.close()


def test_a_lost_camera_is_found_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(device_life, "FIRST_RETRY_S", 0.001)
    first, second = PlayedCamera(), PlayedCamera()
    answers: list[PlayedCamera | None] = [first, None, None, second]

    def connect(_: CameraAddress) -> PlayedCamera:
        camera = answers.pop(0)
        if camera is None:
            raise CaptureError("it does not open")
        return camera

    source = opened(connect)
    first.pictures.put(None)
    second.pictures.put(picture(3))
    assert next_frame(source).pixels[0, 0, 0] == 3
    assert first.closed
    assert source.stats() == {
        "device_lost": 0.0,
        "device_losses": 1,
        "device_reopened": 1,
        "device_exchanges": 0,
        "passed_pictures": 0,
    }
    second.pictures.put(None)
    source.close()
    lost, refused, back = (record.getMessage() for record in caplog.records)
    assert lost == (
        "camera 'http://camera/stream' has gone; all else goes on, waiting for it by name"
    )
    assert "still waiting for camera 'http://camera/stream' by name: " in refused
    assert "it does not open" in refused
    assert back.startswith("camera 'http://camera/stream' is back after ")
    assert "secret" not in caplog.text


def test_a_camera_that_blocks_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_stream, "PATIENCE_S", 0.05)
    first, second = PlayedCamera(), PlayedCamera()
    answers = [first, second]
    source = opened(lambda _: answers.pop(0))
    second.pictures.put(picture(7))
    assert next_frame(source).pixels[0, 0, 0] == 7
    assert not first.closed  # its thread is still in it
    first.pictures.put(picture(1))  # which wakes it up
    for _ in range(500):
        if first.closed:
            break
        time.sleep(0.01)
    assert first.closed
    second.pictures.put(None)
    source.close()


def test_a_camera_with_another_number_is_found_by_its_name() -> None:
    there = [Camera(0, "Brio"), Camera(2, "Webcam")]
    asked: list[int | str] = []

    def connect(address: CameraAddress) -> PlayedCamera:
        asked.append(address.wanted)
        return PlayedCamera()

    device = CameraDevice("webcam", connect, lambda: tuple(there))
    assert device.open()[0] == "Webcam"
    there[:] = [Camera(0, "Brio")]
    with pytest.raises(DeviceError, match=r"there is no camera 'Webcam'; found: 0 'Brio'"):
        device.open()
    there[:] = [Camera(0, "Webcam"), Camera(1, "Brio"), Camera(5, "Webcam")]
    assert device.open()[0] == "Webcam"
    assert asked == [2, 0]


def test_no_camera_at_all() -> None:
    device = CameraDevice("77", cameras=lambda: (Camera(0, "Brio"),))
    source = CameraSource(device, stream="live", clock=FakeClock())
    with pytest.raises(DeviceError, match="there is no camera '77'; found: 0 'Brio'"):
        source.open()
    source.close()
