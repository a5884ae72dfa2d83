"""Microphones and speakers: the only module that imports sounddevice, and only when asked to.

PortAudio freezes its device list when sounddevice is first used in a process: a device (or a sound
server) that appears later is not seen until :func:`look_again`, which ends every stream of the
process. So each device of a live run has a process of its own (:mod:`realtime.device_host`).
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from realtime.errors import DeviceError

Direction: TypeAlias = Literal["input", "output"]
Latency: TypeAlias = Literal["low", "high"] | float  # seconds

ANSWER_TIMEOUT_S = 5.0  # a frozen sound server never answers; nobody waits longer than this for it
LONGEST_DEVICE_DELAY_S = 1.0  # a driver that claims more is not believed

_KIND = {"input": "microphone", "output": "speaker"}
_WITHOUT = {"input": "try: python run_live.py --demo", "output": "go without: --speaker none"}


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

    def channels(self, direction: Direction) -> int:
        """How many it has at most."""
        return self.input_channels if direction == "input" else self.output_channels


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


def look_again() -> None:
    """Let PortAudio read the list of devices anew; only where no stream is open."""
    library = _library()
    library._terminate()
    library._initialize()


def audio_device(wanted: str | AudioDevice | None, direction: Direction) -> AudioDevice:
    """As :func:`find_audio_device`; one that is found already is itself."""
    return wanted if isinstance(wanted, AudioDevice) else find_audio_device(wanted, direction)


def find_again(known: AudioDevice, direction: Direction) -> AudioDevice:
    """The device that has the name of one that was there before, wherever it is in the list now.

    Of several, the one at the nearest place.

    Raises:
        DeviceError: there is none; the message lists what was found.
    """
    devices = _usable(direction)
    same = [device for device in devices if (device.name, device.host) == (known.name, known.host)]
    if same:
        return min(same, key=lambda device: abs(device.number - known.number))
    names = ", ".join(f"{device.number} '{device.name}'" for device in devices) or "none"
    raise DeviceError(f"no {_KIND[direction]} '{known.name}'; found: {names}")


def accepts_rate(device: AudioDevice, rate_hz: int) -> bool:
    """Whether a speaker can be opened at ``rate_hz``."""
    library = _library()
    try:
        library.check_output_settings(
            device.number, channels=min(2, device.output_channels), samplerate=rate_hz
        )
    except (library.PortAudioError, ValueError):
        return False
    return True


def find_audio_device(wanted: str | None, direction: Direction) -> AudioDevice:
    """The device with this number, this name, or the only one whose name contains it.

    ``None`` is the system's default. Case does not matter.

    Raises:
        DeviceError: there is no such device (or several); the message lists what was found.
    """
    usable = _usable(direction)
    kind = _KIND[direction]
    if not usable:
        raise DeviceError(f"no {kind} was found; plug one in, or {_WITHOUT[direction]}")
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


def shown_names(devices: Sequence[AudioDevice]) -> list[str]:
    """What to call each: its name, and where several have that, whose list it stands in."""
    times = Counter(device.name for device in devices)
    return [_full_name(one) if times[one.name] > 1 else one.name for one in devices]


def _full_name(device: AudioDevice) -> str:
    return f"{device.name} ({device.host})"


def _usable(direction: Direction) -> list[AudioDevice]:
    return [device for device in list_audio_devices() if device.channels(direction) > 0]


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
    exact = [
        device
        for device in usable
        if name in (device.name.casefold(), _full_name(device).casefold())
    ]
    return exact or [device for device in usable if name in device.name.casefold()]


class OpenStream:
    """A started sounddevice stream, opened and closed with a time-out.

    Its callback runs in PortAudio's own thread: it copies between the device's buffer and a
    preallocated :class:`~realtime.ring.Ring`, adds to counters, and returns.

    Raises:
        DeviceError: the device does not answer, or cannot be opened like this.
    """

    def __init__(self, direction: Direction, device: AudioDevice, **options: Any) -> None:
        self._finished = False
        self._closed = False

        library = _library()
        kind = library.InputStream if direction == "input" else library.OutputStream

        def start() -> Any:
            stream = kind(
                device=device.number,
                dtype="float32",
                finished_callback=self._finish,
                **options,
            )
            stream.start()
            return stream

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
        """False once the device or its server has gone."""
        return not self._finished and not self._closed

    @property
    def latency_s(self) -> float:
        """The device's own delay, as PortAudio estimates it."""
        return float(self._stream.latency)

    def close(self) -> bool:
        """Stop; False when the device did not answer in time and was left behind."""
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
