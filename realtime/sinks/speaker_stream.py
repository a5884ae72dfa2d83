"""A running speaker."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.portaudio import LONGEST_DEVICE_DELAY_S, Latency, OpenStream, find_audio_device
from realtime.ring import Ring


class SpeakerStream:
    """A running speaker. Opened by the constructor; plays silence until :meth:`write`.

    ``queue_s`` bounds what waits to be played. ``untold_s`` is how much later it is heard than the
    device tells.

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
        untold_s: float = 0.0,
    ) -> None:
        self.device = find_audio_device(device, "output")
        self.rate_hz = rate_hz
        self.channels = channels
        self._ring = Ring(max(1, round(queue_s * rate_hz)), channels, np.float32)
        self._underflows = 0
        self._missing = 0
        self._device_underflows = 0
        self._device_delay_s = 0.0
        self._untold_s = untold_s
        self._stream = OpenStream(
            "output",
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
    def end_samples(self) -> int:
        """The device's time at the end of the queue: samples queued since the first, and missing.

        It goes on while the queue is empty.
        """
        return self._ring.written + self._missing

    @property
    def device_underflows(self) -> int:
        """Times the device itself ran dry."""
        return self._device_underflows

    @property
    def output_latency_s(self) -> float:
        """From leaving the queue to being heard, as the device tells, and what it does not."""
        told_s = self._device_delay_s
        if not 0.0 < told_s < LONGEST_DEVICE_DELAY_S:
            told_s = self._stream.latency_s
        return max(told_s + self._untold_s, 0.0)

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self._stream.active

    def close(self) -> bool:
        """Stop at once; False when the device did not answer in time and was left behind."""
        return self._stream.close()
