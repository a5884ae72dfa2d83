"""The process of one audio device: ``python -m realtime.device_host FILE``.

It holds the one stream and nothing else. So PortAudio may be ended and begun again in it, which is
the only way to see what was plugged in; a driver that hangs hangs nobody else; and its callback
waits for no other thread of Python. Sound goes through memory that the stage sees (``FILE``, an
open descriptor); orders come as lines on stdin, answers go as lines to stdout. It leaves when stdin
ends, or when the device has gone.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TypeAlias

from realtime.clock import SystemClock
from realtime.device_orders import Answer, Find, List, Open, to_line
from realtime.errors import DeviceError
from realtime.plain import from_line
from realtime.portaudio import (
    AudioDevice,
    Direction,
    accepts_rate,
    find_again,
    find_audio_device,
    list_audio_devices,
    look_again,
)
from realtime.priority import SOUND_NICENESS, rank_threads, run_in_real_time
from realtime.shared import SharedArrays
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.microphone_stream import MicrophoneStream

Stream: TypeAlias = MicrophoneStream | SpeakerStream
RATES_HZ = (48_000, 44_100, 96_000, 32_000, 16_000)  # after the device's own, in this order
MOST_CHANNELS = 8
_LOOK_S = 0.05


def formats(device: AudioDevice, direction: Direction, order: Open) -> Iterator[tuple[int, int]]:
    """Rates and channels to try, the best first: stereo, all that there are, one.

    Samples are float32 here; PortAudio converts from and to what the device has.
    """
    own, most = device.default_rate_hz, device.channels(direction)
    rates = [order.rate_hz] if order.rate_hz is not None else [own, *RATES_HZ]
    if order.rate_hz is None and order.has_speaker:
        rates = _common(rates, order.speaker, own)
    channels = [min(2, most), *([most] if most <= MOST_CHANNELS else []), 1]
    for rate_hz in dict.fromkeys(rates):
        for count in dict.fromkeys(channels):
            yield rate_hz, count


def _common(rates: list[int], speaker: str | None, own_hz: int) -> list[int]:
    """Those that the speaker takes as well: nothing is resampled."""
    try:
        other = find_audio_device(speaker, "output")
    except DeviceError:
        return rates  # the speaker's own process says so
    if other.default_rate_hz == own_hz:
        return rates
    return [rate_hz for rate_hz in rates if accepts_rate(other, rate_hz)] or rates


class _Host:
    def __init__(self, file: int) -> None:
        self._file = file
        self._device: AudioDevice | None = None
        self._direction: Direction = "input"
        self._has_looked = False

    def list(self) -> Answer:
        self._look()
        return Answer(devices=list_audio_devices())

    def _look(self) -> None:
        if self._has_looked:
            look_again()
        self._has_looked = True

    def find(self, order: Find) -> Answer:
        self._look()
        self._direction = order.direction
        if order.known is None:
            self._device = find_audio_device(order.wanted, order.direction)
        else:
            self._device = find_again(order.known, order.direction)
        return Answer(device=self._device)

    def open(self, order: Open) -> tuple[Stream, Answer]:
        assert self._device is not None
        refusal: DeviceError | None = None
        for rate_hz, channels in formats(self._device, self._direction, order):
            os.ftruncate(self._file, 0)  # what the attempt before left there
            try:
                stream = self._open(order, rate_hz, channels)
            except DeviceError as error:
                refusal = refusal or error
                continue
            return stream, Answer(
                device=self._device,
                rate_hz=rate_hz,
                channels=stream.channels,
                latency_s=stream.latency_s,
            )
        raise refusal or DeviceError(f"'{self._device.name}' has no channel")

    def _open(self, order: Open, rate_hz: int, channels: int) -> Stream:
        allocate = SharedArrays(self._file)
        if self._direction == "output":
            return SpeakerStream(
                self._device,
                rate_hz=rate_hz,
                device_channels=channels,
                block_samples=round(order.block_s * rate_hz),
                latency=order.latency,
                queue_s=order.queue_s,
                allocate=allocate,
            )
        return MicrophoneStream(
            self._device,
            SystemClock(),
            rate_hz=rate_hz,
            channels=channels,
            block_s=order.block_s,
            latency=order.latency,
            queue_s=order.queue_s,
            allocate=allocate,
        )


def _serve(host: _Host, answer: Callable[[Answer], None]) -> Stream | None:
    """Obey until a device runs; None when the stage has left before."""
    for line in iter(sys.stdin.readline, ""):
        try:
            if '"direction"' in line:
                answer(host.find(from_line(Find, line)))
                continue
            if '"every"' in line:
                from_line(List, line)
                answer(host.list())
                continue
            stream, told = host.open(from_line(Open, line))
        except DeviceError as error:
            answer(Answer(text=str(error)))
            continue
        answer(told)
        return stream
    return None


def _leave_the_terminals_group() -> None:
    """Be out of reach of Ctrl-C, which is the supervisor's to answer.

    A session of its own would do that, too. But where Linux shares the cores among sessions first
    (autogroup, as on desktops), one that does little is woken late while others are busy: later
    than the device has sound for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        os.setpgid(0, 0)


def main(file: int) -> None:
    """Run the device until it or the stage has gone."""
    _leave_the_terminals_group()
    # And the threads that the driver is about to start.
    rank_threads([0], SOUND_NICENESS)
    run_in_real_time()

    def answer(said: Answer) -> None:
        sys.stdout.write(to_line(said))
        sys.stdout.flush()

    stream = _serve(_Host(file), answer)
    while stream is not None and stream.active and not _is_over():
        pass
    # A driver that hangs would hold any other way out up.
    os._exit(0)


def _is_over() -> bool:
    """Whether the stage has left; waits a little."""
    return bool(select.select([sys.stdin], [], [], _LOOK_S)[0])


if __name__ == "__main__":
    main(int(sys.argv[1]))
