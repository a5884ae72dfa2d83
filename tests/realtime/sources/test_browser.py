"""The source that a browser is: pictures out of files nobody has looked into, and its sound."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import NS_PER_MS
from realtime.messages import AudioChunk, CapturedPicture, CapturedSound, VideoFrame
from realtime.picture import to_jpeg
from realtime.sources.browser import BrowserSource
from tests.fakes.clock import FakeClock


def picture(jpeg: bytes, number: int = 0) -> CapturedPicture:
    return CapturedPicture(
        stream="live",
        sequence=number,
        capture_ns=1000 + number,
        visit=1,
        jpeg=np.frombuffer(jpeg, np.uint8),
    )


def grey(level: int, height: int = 36, width: int = 64) -> bytes:
    return to_jpeg(np.full((height, width, 3), level, np.uint8), 95)


def opened() -> BrowserSource:
    source = BrowserSource(stream="live", clock=FakeClock(), longest_side_px=640)
    source.open()
    return source


def test_the_newest_picture_is_given_with_its_instant() -> None:
    source = opened()
    ((topic, frame),) = source.step(0, {"captured": [picture(grey(10)), picture(grey(200), 7)]})
    assert topic == "video"
    assert isinstance(frame, VideoFrame)
    assert (frame.capture_ns, frame.sequence) == (1007, 0)
    assert abs(int(frame.pixels.mean()) - 200) < 3
    assert source.stats()["passed_pictures"] == 1
    ((_, again),) = source.step(0, {"captured": [picture(grey(50))]})
    assert again.sequence == 1


def test_a_large_picture_is_reduced() -> None:
    ((_, frame),) = opened().step(0, {"captured": [picture(grey(10, 720, 1280))]})
    assert isinstance(frame, VideoFrame)
    assert frame.pixels.shape == (360, 640, 3)


def huge() -> bytes:
    """A file that says it is 65535 pixels a side."""
    whole = bytearray(grey(10))
    place = whole.index(b"\xff\xc0")
    whole[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    return bytes(whole)


@pytest.mark.parametrize("jpeg", [b"\xff\xd8", b"nothing", grey(9)[:200], huge()])
def test_a_damaged_picture_is_counted_and_harms_nobody(jpeg: bytes) -> None:
    source = opened()
    assert source.step(0, {"captured": [picture(jpeg)]}) == []
    assert source.stats()["damaged_pictures"] == 1
    assert len(source.step(0, {"captured": [picture(grey(9))]})) == 1


def test_sound_comes_before_the_picture_and_who_comes_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = opened()
    piece = CapturedSound(
        stream="live",
        sequence=0,
        capture_ns=0,
        visit=1,
        first_sample=999,
        rate_hz=8000,
        samples=np.full(80, 16384, np.int16),
    )
    first, second = source.step(30 * NS_PER_MS, {"captured": [picture(grey(9)), piece]})
    assert (first[0], second[0]) == ("audio", "video")
    assert isinstance(first[1], AudioChunk)
    assert first[1].samples.tolist() == [0.5] * 80
    assert first[1].first_sample == 0
    source.step(2000 * NS_PER_MS, {})
    assert source.stats()["device_losses"] == 1
    assert [record.message for record in caplog.records] == [
        "a browser is camera and microphone",
        "nothing is heard from the browser; all else goes on, waiting for one",
    ]
    assert not source.finished
    source.close()
