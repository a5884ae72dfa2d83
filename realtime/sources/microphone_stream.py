"""A running microphone."""

from __future__ import annotations

import numpy as np

from realtime.clock import Clock
from realtime.portaudio import AudioDevice, Latency, OpenStream, audio_device
from realtime.ring import Allocate
from realtime.sources.microphone_queue import MicrophoneQueue

QUEUE_S = 10.0


class MicrophoneStream(MicrophoneQueue):
    """A running microphone. Opened by the constructor; reading never waits.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(
        self,
        device: str | AudioDevice | None,
        clock: Clock,
        *,
        rate_hz: int | None = None,
        channels: int | None = None,
        block_s: float = 0.010,
        latency: Latency = "high",
        queue_s: float = QUEUE_S,
        allocate: Allocate = np.zeros,
    ) -> None:
        """``rate_hz`` None is the device's own, ``channels`` None its first two."""
        self.device = audio_device(device, "input")
        super().__init__(
            clock,
            rate_hz if rate_hz is not None else self.device.default_rate_hz,
            channels if channels is not None else min(2, self.device.input_channels),
            block_s,
            queue_s,
            allocate,
        )
        self._stream = OpenStream(
            "input",
            self.device,
            samplerate=self.rate_hz,
            channels=self.channels,
            blocksize=self.block_samples,
            latency=latency,
            callback=self.capture,
        )

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self._stream.active

    @property
    def latency_s(self) -> float:
        """The device's own delay, as PortAudio estimates it."""
        return self._stream.latency_s

    def close(self) -> bool:
        """Stop; False when the device did not answer in time and was left behind."""
        return self._stream.close()
