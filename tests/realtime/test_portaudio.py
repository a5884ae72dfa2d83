"""Device choice and callbacks, with a sounddevice that the test plays."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from realtime import portaudio
from realtime.clock import NS_PER_MS
from realtime.errors import DeviceError
from realtime.portaudio import find_again, find_audio_device, list_audio_devices, look_again
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.microphone_stream import MicrophoneStream
from tests.fakes.clock import FakeClock

FINE = SimpleNamespace(input_overflow=False, output_underflow=False)


class PlayedStream:
    """Stands for both kinds of sounddevice's streams."""

    opened: PlayedStream
    refusal: Exception | None = None
    frozen: threading.Event | None = None

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.latency = 0.05
        self.closed = False
        PlayedStream.opened = self

    def start(self) -> None:
        if PlayedStream.refusal is not None:
            raise PlayedStream.refusal
        if PlayedStream.frozen is not None:
            PlayedStream.frozen.wait(10)

    def abort(self, ignore_errors: bool) -> None:
        if PlayedStream.frozen is not None:
            PlayedStream.frozen.wait(10)

    def close(self, ignore_errors: bool) -> None:
        self.closed = True


class PlayedError(Exception):
    pass


def entry(index: int, name: str, inputs: int, outputs: int) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "max_output_channels": outputs,
        "default_samplerate": 48_000.0,
    }


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The machine's list, for the test to change."""
    found = [
        entry(0, "USB Microphone", 1, 0),
        entry(1, "Built-in Audio", 2, 2),
        entry(2, "USB Headset", 4, 2),
    ]
    library = ModuleType("sounddevice")
    members: dict[str, Any] = {
        "query_hostapis": lambda: [{"name": "ALSA"}],
        "query_devices": lambda: found,
        "default": SimpleNamespace(_default_device=(1, 1)),
        "InputStream": PlayedStream,
        "OutputStream": PlayedStream,
        "PortAudioError": PlayedError,
        "_exit_handler": lambda: None,
    }
    for name, value in members.items():
        setattr(library, name, value)
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    monkeypatch.setattr(PlayedStream, "refusal", None)
    monkeypatch.setattr(PlayedStream, "frozen", None)
    return found


def moment(delay_s: float) -> SimpleNamespace:
    return SimpleNamespace(
        currentTime=100.0, inputBufferAdcTime=100.0 - delay_s, outputBufferDacTime=100.0 + delay_s
    )


def test_devices_are_listed(devices: list[dict[str, Any]]) -> None:
    listed = list_audio_devices()
    assert [device.name for device in listed] == [device["name"] for device in devices]
    assert [device.default_input for device in listed] == [False, True, False]
    assert listed[0].host == "ALSA"


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(None, 1), ("0", 0), ("headset", 2), ("BUILT-IN AUDIO", 1), ("microphone", 0)],
)
def test_a_microphone_is_found(
    devices: list[dict[str, Any]], wanted: str | None, number: int
) -> None:
    assert find_audio_device(wanted, "input").number == number


def test_the_whole_name_wins_over_a_part(devices: list[dict[str, Any]]) -> None:
    devices.append(entry(3, "USB", 1, 0))
    assert find_audio_device("usb", "input").number == 3


@pytest.mark.parametrize(
    ("wanted", "direction", "message"),
    [
        ("usb", "input", r"'usb' stands for several microphones: 0 'USB Microphone', 2 'USB"),
        ("0", "output", r"no speaker '0'; found: 1 'Built-in Audio', 2 'USB Headset'; see: python"),
        ("violin", "input", "no microphone 'violin'; found: 0 'USB Microphone'"),
    ],
)
def test_devices_that_are_not_there(
    devices: list[dict[str, Any]], wanted: str, direction: Any, message: str
) -> None:
    with pytest.raises(DeviceError, match=message):
        find_audio_device(wanted, direction)


def test_a_device_is_found_again_by_its_name(devices: list[dict[str, Any]]) -> None:
    headset = find_audio_device("headset", "output")
    devices[:] = [entry(0, "USB Headset", 0, 2), entry(1, "x", 0, 2), entry(3, "USB Headset", 4, 2)]
    assert find_again(headset, "output").number == 3  # of two, the nearer
    assert find_again(headset, "input").number == 3
    devices[:] = [entry(2, "USB Headset 2", 4, 2)]  # it has the number, but not the name
    with pytest.raises(DeviceError, match=r"no speaker 'USB Headset'; found: 2 'USB Headset 2'"):
        find_again(headset, "output")


def test_the_list_is_read_anew_when_asked(
    devices: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    library = sys.modules["sounddevice"]
    for name in ("_terminate", "_initialize"):
        monkeypatch.setattr(library, name, lambda name=name: calls.append(name), raising=False)
    look_again()
    assert calls == ["_terminate", "_initialize"]


@pytest.mark.parametrize("channels", [1, 4])
def test_a_speaker_with_other_channels(devices: list[dict[str, Any]], channels: int) -> None:
    speaker = SpeakerStream("headset", rate_hz=8_000, device_channels=channels, queue_s=1.0)
    options = PlayedStream.opened.options
    assert options["channels"] == channels
    samples = np.arange(1, 6001, dtype=np.float32).reshape(3000, 2)
    assert speaker.write(samples) == 3000
    out = np.full((4000, channels), 9, np.float32)
    options["callback"](out, 4000, moment(0.01), FINE)
    if channels == 1:
        np.testing.assert_array_equal(out[:3000, 0], samples.mean(axis=1))
    else:
        np.testing.assert_array_equal(out[:3000, :2], samples)
        assert not out[:, 2:].any()
    assert not out[3000:].any()
    assert (speaker.underflows, speaker.missing_samples) == (1, 1000)


def test_a_machine_without_devices(devices: list[dict[str, Any]]) -> None:
    devices.clear()
    with pytest.raises(DeviceError, match=r"no microphone was found.*--demo"):
        find_audio_device(None, "input")


def failing_import(error: Exception) -> Callable[..., Any]:
    original = __import__

    def fake(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "sounddevice":
            raise error
        return original(name, *arguments, **options)

    return fake


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("PortAudio library not found"), "apt-get install libportaudio2"),
        (ImportError("No module named sounddevice"), "-m pip install sounddevice"),
    ],
)
def test_a_missing_library_names_the_command(
    monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    monkeypatch.setattr("builtins.__import__", failing_import(error))
    with pytest.raises(DeviceError, match=message):
        list_audio_devices()


def test_the_microphone_hands_on_blocks_and_times(devices: list[dict[str, Any]]) -> None:
    clock = FakeClock(now_ns=1_000 * NS_PER_MS)
    microphone = MicrophoneStream("headset", clock)
    options = PlayedStream.opened.options
    assert (microphone.rate_hz, microphone.channels, microphone.block_samples) == (48_000, 2, 480)
    assert (options["blocksize"], options["device"], options["samplerate"]) == (480, 2, 48_000)
    assert microphone.read() is None
    data = np.arange(960, dtype=np.float32).reshape(480, 2)
    options["callback"](data, 480, moment(0.030), FINE)
    data[:] = 0  # the device's buffer is its own again
    clock.advance_s(0.01)
    options["callback"](data, 480, moment(-5.0), FINE)  # a driver that tells nonsense
    first = microphone.read()
    assert first is not None
    assert first.first_sample == 0
    assert first.capture_ns == pytest.approx(970 * NS_PER_MS, abs=1000)
    np.testing.assert_array_equal(first.samples, np.arange(960).reshape(480, 2))
    second = microphone.read()
    assert second is not None
    assert (second.first_sample, second.capture_ns) == (480, 1_000 * NS_PER_MS)
    assert microphone.read() is None


def test_the_microphone_counts_what_is_lost(devices: list[dict[str, Any]]) -> None:
    microphone = MicrophoneStream(None, FakeClock(), rate_hz=8_000, queue_s=0.02)
    callback = PlayedStream.opened.options["callback"]
    data = np.zeros((80, 2), np.float32)
    for _ in range(5):
        callback(data, 80, moment(0.01), FINE)
    assert microphone.refused_samples == 3 * 80
    assert [block.first_sample for block in iter(microphone.read, None)] == [0, 80]
    callback(data, 80, moment(0.01), SimpleNamespace(input_overflow=True))
    block = microphone.read()
    assert block is not None
    assert block.first_sample == 5 * 80
    assert microphone.overflows == 1


def test_the_speaker_plays_the_queue_then_silence(devices: list[dict[str, Any]]) -> None:
    speaker = SpeakerStream("headset", rate_hz=8_000, channels=2, block_samples=4, queue_s=0.001)
    callback = PlayedStream.opened.options["callback"]
    out = np.full((4, 2), 9, np.float32)
    callback(out, 4, moment(0.0), FINE)
    assert not out.any()
    assert speaker.underflows == 0  # nothing was to be played yet
    assert speaker.output_latency_s == 0.05  # the device's own word, for want of a time
    samples = np.arange(1, 21, dtype=np.float32).reshape(10, 2)
    assert speaker.write(samples) == 8
    assert (speaker.queued_samples, speaker.free_samples) == (8, 0)
    played = []
    for _ in range(3):
        callback(out, 4, moment(0.02), FINE)
        played.append(out.copy())
    np.testing.assert_array_equal(np.concatenate(played)[:8], samples[:8])
    assert not played[2].any()
    assert (speaker.underflows, speaker.missing_samples) == (1, 4)
    assert speaker.output_latency_s == pytest.approx(0.02)
    callback(out, 4, moment(0.02), SimpleNamespace(output_underflow=True))
    assert speaker.device_underflows == 1


def test_streams_that_do_not_open_or_end(
    devices: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlayedStream, "refusal", PlayedError("Invalid sample rate"))
    with pytest.raises(DeviceError, match=r"'Built-in Audio' cannot be opened at 7 Hz \(Invalid"):
        SpeakerStream(None, rate_hz=7)
    monkeypatch.setattr(PlayedStream, "refusal", None)
    speaker = SpeakerStream(None, rate_hz=8_000)
    assert speaker.active
    PlayedStream.opened.options["finished_callback"]()  # its server has gone
    assert not speaker.active
    assert speaker.close()
    assert speaker.close()
    assert PlayedStream.opened.closed


def test_a_frozen_server_holds_nobody_up(
    devices: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "ANSWER_TIMEOUT_S", 0.05)
    speaker = SpeakerStream(None, rate_hz=8_000)
    frozen = threading.Event()
    monkeypatch.setattr(PlayedStream, "frozen", frozen)
    assert not speaker.close()
    with pytest.raises(DeviceError, match="'Built-in Audio' does not answer"):
        SpeakerStream(None, rate_hz=8_000)
    frozen.set()
