"""The process of a device: whom it listens to, and the formats that it tries."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import pytest

from realtime import device_host
from realtime.clock import SystemClock
from realtime.device_host import RATES_HZ, formats
from realtime.device_orders import Open
from realtime.device_process import DeviceProcess
from realtime.errors import DeviceError
from realtime.portaudio import AudioDevice, Direction


def device(channels: int, rate_hz: int = 48_000) -> AudioDevice:
    return AudioDevice(
        number=1,
        name="interface",
        host="ALSA",
        input_channels=channels,
        output_channels=channels,
        default_rate_hz=rate_hz,
        default_input=False,
        default_output=False,
    )


def order(rate_hz: int | None, *, has_speaker: bool = False) -> Open:
    return Open(rate_hz=rate_hz, latency="low", block_s=0.01, queue_s=1.0, has_speaker=has_speaker)


@pytest.mark.parametrize("direction", ["input", "output"])
@pytest.mark.parametrize(
    ("channels", "tried"),
    [(1, [1]), (2, [2, 1]), (6, [2, 6, 1]), (8, [2, 8, 1]), (32, [2, 1])],
)
def test_stereo_first_then_all_then_one(
    direction: Direction, channels: int, tried: list[int]
) -> None:
    found = list(formats(device(channels), direction, order(44_100)))
    assert found == [(44_100, count) for count in tried]


def test_a_microphones_own_rate_comes_first() -> None:
    found = list(formats(device(1, 96_000), "input", order(None)))
    assert [rate_hz for rate_hz, _ in found] == [96_000, 48_000, 44_100, 32_000, 16_000]
    assert set(RATES_HZ) == {rate_hz for rate_hz, _ in found}


def test_a_rate_is_chosen_that_the_speaker_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_host, "find_audio_device", lambda *_: device(2, 44_100))
    monkeypatch.setattr(device_host, "accepts_rate", lambda _, rate_hz: rate_hz == 44_100)
    found = list(formats(device(1, 96_000), "input", order(None, has_speaker=True)))
    assert found == [(44_100, 1)]
    # Where both have the same rate of their own the speaker is not asked.
    found = list(formats(device(1, 44_100), "input", order(None, has_speaker=True)))
    assert found[0] == (44_100, 1)
    assert len(found) == len(RATES_HZ)


@pytest.mark.skipif(sys.platform == "win32", reason="no sessions there")
def test_its_process_shares_the_stages_session_and_minds_no_ctrl_c() -> None:
    process = DeviceProcess("output", SystemClock())
    try:
        with suppress(DeviceError):  # whatever there is: it has answered
            process.find("no device is called that", None)
        assert os.getsid(process.pid) == os.getsid(0)
        assert os.getpgid(process.pid) != os.getpgid(0)
        os.kill(process.pid, signal.SIGINT)
        with pytest.raises(DeviceError, match=r"no device is called that|no speaker|PortAudio"):
            process.find("no device is called that", None)
    finally:
        process.kill()
