"""A running microphone in a process of its own."""

from __future__ import annotations

from realtime.clock import Clock
from realtime.device_orders import Answer, Open
from realtime.device_process import DeviceLink, DeviceProcess
from realtime.living_process import LivingProcess
from realtime.portaudio import Latency
from realtime.sources.microphone_queue import MicrophoneQueue
from realtime.sources.microphone_stream import QUEUE_S


class MicrophoneProcess(MicrophoneQueue, LivingProcess):
    """The queue of a microphone that ``process`` has opened, and the process."""

    def __init__(
        self, process: DeviceProcess, answer: Answer, clock: Clock, block_s: float
    ) -> None:
        assert answer.device is not None
        MicrophoneQueue.__init__(
            self,
            clock,
            answer.rate_hz,
            answer.channels,
            block_s,
            QUEUE_S,
            process.memory(),
        )
        LivingProcess.__init__(self, process, answer.device.name, self.heartbeat)


class MicrophoneDevice:
    """A microphone by name or number, None for the system's default: opened, and opened again."""

    def __init__(
        self,
        wanted: str | None,
        clock: Clock,
        *,
        latency: Latency = "high",
        block_s: float = 0.010,
        has_speaker: bool = False,
        speaker: str | None = None,
    ) -> None:
        """With a ``speaker`` (None is the default one) a rate is chosen that it takes, too."""
        self._link = DeviceLink("input", wanted, clock)
        self._clock = clock
        self._latency = latency
        self._block_s = block_s
        self._has_speaker = has_speaker
        self._speaker = speaker

    def open(self, rate_hz: int | None) -> MicrophoneProcess:
        """Start it; None is a rate that fits.

        Raises:
            DeviceError: it is not there, or cannot be opened.
        """
        order = Open(
            rate_hz=rate_hz,
            latency=self._latency,
            block_s=self._block_s,
            queue_s=QUEUE_S,
            has_speaker=self._has_speaker,
            speaker=self._speaker,
        )
        process, answer = self._link.open(order)
        return MicrophoneProcess(process, answer, self._clock, self._block_s)

    def close(self) -> None:
        """Look for it no more."""
        self._link.close()
