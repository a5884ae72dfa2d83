"""A running speaker in a process of its own."""

from __future__ import annotations

from realtime.device_orders import Answer
from realtime.device_process import DeviceProcess
from realtime.heartbeat import PATIENCE_S, Health
from realtime.sinks.speaker_queue import SpeakerQueue

QUEUE_S = 1.0
CHANNELS = 2


class SpeakerProcess(SpeakerQueue):
    """The queue of a speaker that ``process`` has opened, and the process."""

    patience_s = PATIENCE_S

    def __init__(self, process: DeviceProcess, answer: Answer, untold_s: float) -> None:
        assert answer.device is not None
        super().__init__(
            answer.rate_hz, CHANNELS, QUEUE_S, untold_s, answer.latency_s, process.memory()
        )
        self.name = answer.device.name
        self.process = process
        self._health = Health(self.heartbeat)

    @property
    def active(self) -> bool:
        """False once the device or its server has gone."""
        return self.process.is_running

    @property
    def beats(self) -> int:
        """Calls of its callback."""
        return self.heartbeat.beats

    def trouble(self) -> str | None:
        """What a new stream would mend."""
        return self._health.trouble()

    def close(self) -> None:
        """Stop at once."""
        self.process.kill()
