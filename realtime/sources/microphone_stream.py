"""A running microphone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S, Clock
from realtime.portaudio import LONGEST_DEVICE_DELAY_S, Latency, OpenStream, find_audio_device
from realtime.ring import Ring


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
        self._stream = OpenStream(
            "input",
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
