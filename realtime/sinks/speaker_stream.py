"""A running speaker."""

from __future__ import annotations

import numpy as np

from realtime.portaudio import AudioDevice, Latency, OpenStream, audio_device
from realtime.ring import Allocate
from realtime.sinks.speaker_queue import SpeakerQueue


class SpeakerStream(SpeakerQueue):
    """A running speaker. Opened by the constructor; plays silence until something is written.

    ``device_channels`` is what the device is opened with.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(
        self,
        device: str | AudioDevice | None,
        *,
        rate_hz: int,
        channels: int = 2,
        device_channels: int | None = None,
        block_samples: int = 0,
        latency: Latency = "high",
        queue_s: float = 1.0,
        untold_s: float = 0.0,
        allocate: Allocate = np.zeros,
    ) -> None:
        self.device = audio_device(device, "output")
        super().__init__(rate_hz, channels, queue_s, untold_s, 0.0, allocate)
        self._stream = OpenStream(
            "output",
            self.device,
            samplerate=rate_hz,
            channels=device_channels or channels,
            blocksize=block_samples,
            latency=latency,
            callback=self.play,
        )
        self._usual_delay_s = self._stream.latency_s

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self._stream.active

    @property
    def latency_s(self) -> float:
        """The device's own delay, as PortAudio estimates it."""
        return self._stream.latency_s

    def close(self) -> bool:
        """Stop at once; False when the device did not answer in time and was left behind."""
        return self._stream.close()
