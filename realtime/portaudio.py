"""Microphones and speakers: the only module that imports sounddevice, and only when asked to.

The callbacks run in PortAudio's own thread. They copy between the device's buffer and a
preallocated :class:`~realtime.ring.Ring`, add to counters, and return.

PortAudio freezes its device list when sounddevice is first used in a process: a device (or a sound
server) that appears later is not seen.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S, Clock
from realtime.errors import DeviceError
from realtime.ring import Ring

Direction: TypeAlias = Literal["input", "output"]
Latency: TypeAlias = Literal["low", "high"] | float  # seconds

ANSWER_TIMEOUT_S = 5.0  # a frozen sound server never answers; nobody waits longer than this for it
LONGEST_DEVICE_DELAY_S = 1.0  # a driver that claims more is not believed

_KIND = {"input": "microphone", "output": "speaker"}


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """One device as PortAudio lists it; ``number`` is its place in that list."""

    number: int
    name: str
    host: str
    input_channels: int
    output_channels: int
    default_rate_hz: int
    default_input: bool
    default_output: bool


def list_audio_devices() -> tuple[AudioDevice, ...]:
    """Everything PortAudio has found, in its order; may be empty.

    Raises:
        DeviceError: the PortAudio library or the sounddevice package is missing.
    """
    library = _library()
    hosts = library.query_hostapis()
    default_input, default_output = library.default._default_device
    return tuple(
        AudioDevice(
            number=int(found["index"]),
            name=str(found["name"]),
            host=str(hosts[found["hostapi"]]["name"]),
            input_channels=int(found["max_input_channels"]),
            output_channels=int(found["max_output_channels"]),
            default_rate_hz=round(found["default_samplerate"]),
            default_input=found["index"] == default_input,
            default_output=found["index"] == default_output,
        )
        for found in library.query_devices()
    )


def find_audio_device(wanted: str | None, direction: Direction) -> AudioDevice:
    """The device with this number, this name, or the only one whose name contains it.

    ``None`` is the system's default. Case does not matter.

    Raises:
        DeviceError: there is no such device (or several); the message lists what was found.
    """
    usable = [
        device
        for device in list_audio_devices()
        if (device.input_channels if direction == "input" else device.output_channels) > 0
    ]
    kind = _KIND[direction]
    if not usable:
        raise DeviceError(f"no {kind} was found; plug one in, or try: python run_live.py --demo")
    found = _matching(usable, wanted, direction)
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{device.number} '{device.name}'" for device in found or usable)
    if wanted is None:
        problem = f"the system has no default {kind}; found"
    elif found:
        problem = f"'{wanted}' stands for several {kind}s"
    else:
        problem = f"no {kind} '{wanted}'; found"
    raise DeviceError(f"{problem}: {names}; see: python run_live.py --list-devices")


def _matching(
    usable: list[AudioDevice], wanted: str | None, direction: Direction
) -> list[AudioDevice]:
    if wanted is None:
        return [
            device
            for device in usable
            if (device.default_input if direction == "input" else device.default_output)
        ]
    if wanted.isdecimal():
        return [device for device in usable if device.number == int(wanted)]
    name = wanted.casefold()
    exact = [device for device in usable if device.name.casefold() == name]
    return exact or [device for device in usable if name in device.name.casefold()]


class MicrophoneBlock(NamedTuple):
    """Consecutive sound: ``samples`` float32 (n, channels).

    ``first_sample`` counts every sample since the stream was opened, the lost ones too;
    ``capture_ns`` is when the first was taken, with the jitter of one callback.
    """

    first_sample: int
    capture_ns: int
    samples: NDArray[np.float32]


class MicrophoneStream:
    """A running microphone. Opened by the constructor; :meth:`read` never waits.

    ``queue_s`` bounds what waits for the reader. When it is full whole blocks are refused: the next
    block that fits has a ``first_sample`` beyond the end of the one before.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(
        self,
        device: str | None,
        clock: Clock,
        *,
        rate_hz: int | None = None,
        block_s: float = 0.010,
        latency: Latency = "high",
        queue_s: float = 10.0,
    ) -> None:
        self.device = find_audio_device(device, "input")
        self.rate_hz = rate_hz if rate_hz is not None else self.device.default_rate_hz
        self.channels = min(2, self.device.input_channels)
        self.block_samples = round(block_s * self.rate_hz)
        blocks = max(2, round(queue_s / block_s))
        self._clock = clock
        self._samples = Ring(blocks * self.block_samples, self.channels, np.float32)
        self._stamps = Ring(blocks, 3, np.int64)  # first sample, number of samples, capture time
        self._stamp = np.zeros((1, 3), np.int64)
        self._captured = 0
        self._overflows = 0
        self._refused = 0
        self._stream = _OpenStream(
            _library().InputStream,
            self.device,
            samplerate=self.rate_hz,
            channels=self.channels,
            blocksize=self.block_samples,
            latency=latency,
            callback=self._callback,
        )

    def _callback(self, data: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        delay_s = times.currentTime - times.inputBufferAdcTime
        if not 0.0 < delay_s < LONGEST_DEVICE_DELAY_S:  # zero or garbage on several host APIs
            delay_s = 0.0
        delay_s = max(delay_s, count / self.rate_hz)  # the first sample is a whole block old
        if status.input_overflow:
            self._overflows += 1
        if self._samples.free < count or self._stamps.free < 1:
            self._refused += count
        else:
            self._samples.write(data)
            self._stamp[0, 0] = self._captured
            self._stamp[0, 1] = count
            self._stamp[0, 2] = self._clock.now_ns() - int(delay_s * NS_PER_S)
            self._stamps.write(self._stamp)
        self._captured += count

    def read(self) -> MicrophoneBlock | None:
        """The oldest block that waits, or None. One reader only."""
        if not self._stamps.queued:
            return None
        first_sample, count, capture_ns = (int(value) for value in self._stamps.read(1)[0])
        return MicrophoneBlock(first_sample, capture_ns, self._samples.read(count))

    @property
    def overflows(self) -> int:
        """Times the device itself lost sound, by an amount that it does not tell."""
        return self._overflows

    @property
    def refused_samples(self) -> int:
        """Samples lost because the reader was late."""
        return self._refused

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self._stream.active

    def close(self) -> bool:
        """Stop; False when the device did not answer in time and was left behind."""
        return self._stream.close()


class SpeakerStream:
    """A running speaker. Opened by the constructor; plays silence until :meth:`write`.

    ``queue_s`` bounds what waits to be played.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(
        self,
        device: str | None,
        *,
        rate_hz: int,
        channels: int = 2,
        block_samples: int = 0,
        latency: Latency = "high",
        queue_s: float = 1.0,
    ) -> None:
        self.device = find_audio_device(device, "output")
        self.rate_hz = rate_hz
        self.channels = channels
        self._ring = Ring(max(1, round(queue_s * rate_hz)), channels, np.float32)
        self._underflows = 0
        self._missing = 0
        self._device_underflows = 0
        self._device_delay_s = 0.0
        self._stream = _OpenStream(
            _library().OutputStream,
            self.device,
            samplerate=rate_hz,
            channels=channels,
            blocksize=block_samples,
            latency=latency,
            callback=self._callback,
        )

    def _callback(self, data: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        got = self._ring.read_into(data)
        if got < count:
            data[got:] = 0.0
            if self._ring.written:
                self._underflows += 1
                self._missing += count - got
        if status.output_underflow:
            self._device_underflows += 1
        self._device_delay_s = times.outputBufferDacTime - times.currentTime

    def write(self, samples: NDArray[np.float32]) -> int:
        """Queue the first of ``samples`` (n, channels) that fit; returns how many. Never waits."""
        return self._ring.write(samples)

    @property
    def queued_samples(self) -> int:
        """Samples that wait for the device."""
        return self._ring.queued

    @property
    def free_samples(self) -> int:
        """Samples that :meth:`write` would accept now."""
        return self._ring.free

    @property
    def underflows(self) -> int:
        """Callbacks since the first write that found too little in the queue."""
        return self._underflows

    @property
    def missing_samples(self) -> int:
        """Samples of silence played in those callbacks."""
        return self._missing

    @property
    def device_underflows(self) -> int:
        """Times the device itself ran dry."""
        return self._device_underflows

    @property
    def output_latency_s(self) -> float:
        """From leaving the queue to being heard, as the device tells."""
        measured = self._device_delay_s
        if 0.0 < measured < LONGEST_DEVICE_DELAY_S:
            return measured
        return self._stream.latency_s

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self._stream.active

    def close(self) -> bool:
        """Stop at once; False when the device did not answer in time and was left behind."""
        return self._stream.close()


class _OpenStream:
    """A started sounddevice stream, opened and closed with a time-out."""

    def __init__(self, kind: Callable[..., Any], device: AudioDevice, **options: Any) -> None:
        self._finished = False
        self._closed = False

        def start() -> Any:
            stream = kind(
                device=device.number,
                dtype="float32",
                finished_callback=self._finish,
                **options,
            )
            stream.start()
            return stream

        library = _library()
        try:
            self._stream = _within(ANSWER_TIMEOUT_S, start)
        except TimeoutError:
            atexit.unregister(library._exit_handler)  # it would wait for ever
            raise DeviceError(
                f"'{device.name}' does not answer; restart the sound server or choose another: "
                "python run_live.py --list-devices"
            ) from None
        except (library.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"'{device.name}' cannot be opened at {options['samplerate']} Hz ({error}); "
                "see what there is: python run_live.py --list-devices"
            ) from error

    def _finish(self) -> None:
        self._finished = True

    @property
    def active(self) -> bool:
        return not self._finished and not self._closed

    @property
    def latency_s(self) -> float:
        return float(self._stream.latency)

    def close(self) -> bool:
        if self._closed:
            return True
        self._closed = True

        def stop() -> None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

        try:
            _within(ANSWER_TIMEOUT_S, stop)
        except TimeoutError:
            atexit.unregister(_library()._exit_handler)  # it would wait for ever
            return False
        return True


def _within(timeout_s: float, action: Callable[[], Any]) -> Any:
    """Run ``action`` in a thread of its own and give its result; TimeoutError leaves it behind."""
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(action())
        except BaseException as error:  # noqa: BLE001 - handed to the caller below
            errors.append(error)

    thread = threading.Thread(target=run, name="portaudio", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise TimeoutError
    if errors:
        raise errors[0]
    return results[0]


def _library() -> Any:
    """The sounddevice module, imported on first use."""
    try:
        import sounddevice
    except ImportError:
        raise DeviceError(
            f"the package sounddevice is missing; install it with: {sys.executable} -m pip "
            "install sounddevice"
        ) from None
    except OSError:
        raise DeviceError(
            "the PortAudio library is missing; install it with: sudo apt-get install libportaudio2"
        ) from None
    return sounddevice
