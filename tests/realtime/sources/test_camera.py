"""The camera stage, on a camera that the test plays."""

from __future__ import annotations

import queue
from collections.abc import Callable

import numpy as np
import pytest

from realtime.errors import DeviceError
from realtime.messages import VideoFrame
from realtime.sources import camera as camera_module
from realtime.sources.camera import CameraSource
from tests.fakes.clock import FakeClock


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
    connect: Callable[[str | None], PlayedCamera], longest_side_px: int = 100
) -> CameraSource:
    source = CameraSource(
        "0",
        stream="live",
        clock=FakeClock(now_ns=42),
        connect=connect,
        longest_side_px=longest_side_px,
    )
    source.open()
    return source


def next_frame(source: CameraSource) -> VideoFrame:
    for _ in range(500):  # a step waits up to 20 ms
        for _, message in source.step(0, {}):
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
    assert source.step(0, {}) == ()
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


def test_a_lost_camera_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "FIRST_RETRY_S", 0.001)
    first, second = PlayedCamera(), PlayedCamera()
    answers: list[PlayedCamera | None] = [first, None, None, second]

    def connect(_: str | None) -> PlayedCamera:
        camera = answers.pop(0)
        if camera is None:
            raise DeviceError("not yet")
        return camera

    source = opened(connect)
    first.pictures.put(None)
    second.pictures.put(picture(3))
    assert next_frame(source).pixels[0, 0, 0] == 3
    assert first.closed
    assert source.stats() == {"connected": 1.0, "camera_losses": 1, "passed_pictures": 0}
    second.pictures.put(None)
    source.close()


def test_no_camera_at_all() -> None:
    def connect(_: str | None) -> PlayedCamera:
        raise DeviceError("no camera was found")

    source = CameraSource("0", stream="live", clock=FakeClock(), connect=connect)
    with pytest.raises(DeviceError, match="no camera was found"):
        source.open()
    source.close()
