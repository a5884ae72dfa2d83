"""The camera stage on a real network camera, with its faults."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from realtime.clock import SystemClock
from realtime.desk import Present
from realtime.errors import DeviceError
from realtime.messages import VideoFrame
from realtime.picture import Capture
from realtime.sources.camera import CameraDevice, CameraSource
from tests.live.mjpeg import MjpegCamera, number_of

PATIENCE_S = 20.0


@contextmanager
def watching(url: str) -> Iterator[CameraSource]:
    source = CameraSource(CameraDevice(url), stream="live", clock=SystemClock())
    source.open()
    try:
        yield source
    finally:
        source.close()


def frames_until(
    source: CameraSource, enough: Callable[[list[VideoFrame]], bool]
) -> list[VideoFrame]:
    frames: list[VideoFrame] = []
    give_up = time.monotonic() + PATIENCE_S
    while not enough(frames):
        if time.monotonic() > give_up:
            pytest.fail(f"only {len(frames)} pictures came, {source.stats()}")
        for topic, message in source.step(time.monotonic_ns(), {}):
            assert isinstance(message, VideoFrame if topic == "video" else Present)
            if isinstance(message, VideoFrame):
                frames.append(message)
    return frames


def test_pictures_arrive_in_order(camera: MjpegCamera) -> None:
    with watching(camera.url) as source:
        frames = frames_until(source, lambda frames: len(frames) >= 10)
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    times = [frame.capture_ns for frame in frames]
    assert times == sorted(times)
    numbers = [number_of(frame.pixels) for frame in frames]
    assert all(0 < (b - a) % 256 < 128 for a, b in itertools.pairwise(numbers))


def test_a_slow_reader_gets_new_pictures(camera: MjpegCamera) -> None:
    with watching(camera.url) as source:
        frames_until(source, lambda frames: len(frames) >= 1)
        sent = camera.sent
        while camera.sent < sent + 20:  # the consumer is busy meanwhile
            time.sleep(0.01)
        frames = frames_until(source, lambda frames: len(frames) >= 3)
        assert 0 < (number_of(frames[-1].pixels) - sent) % 256 < 128
        assert source.stats()["passed_pictures"] >= 1


def test_a_cut_camera_is_found_again(camera: MjpegCamera) -> None:
    with watching(camera.url) as source:
        frames_until(source, lambda frames: len(frames) >= 2)
        camera.cut()
        frames_until(source, lambda _: source.stats()["device_lost"] == 1)
        camera.resume()
        frames_until(source, lambda frames: len(frames) >= 2)
        assert source.stats()["device_lost"] == 0
        assert source.stats()["device_reopened"] == 1


def test_a_stalled_camera_is_given_up_and_found_again(
    camera: MjpegCamera, caplog: pytest.LogCaptureFixture
) -> None:
    with watching(camera.url) as source:
        frames_until(source, lambda frames: len(frames) >= 2)
        camera.stall()
        steps: list[int] = []

        def is_lost(_: list[VideoFrame]) -> bool:
            steps.append(time.monotonic_ns())
            return source.stats()["device_lost"] == 1

        frames_until(source, is_lost)
        # Reading blocks all the while; a step never does.
        assert len(steps) > 20
        camera.resume()
        frames_until(source, lambda frames: len(frames) >= 2)
        assert source.stats()["device_lost"] == 0
    assert f"camera '{camera.url}' has been silent for 2." in caplog.text


def test_a_slow_camera_is_not_given_up(camera: MjpegCamera) -> None:
    with watching(camera.url) as source:
        frames_until(source, lambda frames: len(frames) >= 2)
        camera.period_s = 1.0
        frames_until(source, lambda frames: len(frames) >= 2)
        camera.period_s = 2.3  # longer than the silence of a quick one
        frames_until(source, lambda frames: len(frames) >= 2)
        camera.period_s = 1 / 30
        frames_until(source, lambda frames: len(frames) >= 5)
        assert source.stats()["device_losses"] == 0
        # At full speed again, and with nothing old in between.
        assert number_of(frames_until(source, lambda frames: len(frames) >= 2)[-1].pixels) in {
            (camera.sent - back) % 256 for back in range(4)
        }


def test_no_such_camera(camera: MjpegCamera) -> None:
    camera.cut()
    with pytest.raises(DeviceError, match=r"does not open; see whether a media player shows it"):
        CameraSource(CameraDevice(camera.url), stream="live", clock=SystemClock()).open()


def test_capture_gives_pictures_and_then_none(camera: MjpegCamera) -> None:
    capture = Capture(camera.url, "ffmpeg", 2_000)
    assert capture.grab()
    picture = capture.retrieve()
    assert picture is not None
    assert picture.shape == (48, 64, 3)
    camera.cut()
    for _ in range(100):
        if not capture.grab():
            break
    else:
        pytest.fail("a cut stream goes on")
    capture.close()
