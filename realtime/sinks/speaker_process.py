"""A running speaker in a process of its own."""

from __future__ import annotations

from realtime.device_orders import Answer
from realtime.device_process import DeviceProcess
from realtime.living_process import LivingProcess
from realtime.sinks.speaker_queue import SpeakerQueue

QUEUE_S = 1.0
CHANNELS = 2


class SpeakerProcess(SpeakerQueue, LivingProcess):
    """The queue of a speaker that ``process`` has opened, and the process."""

    def __init__(self, process: DeviceProcess, answer: Answer, untold_s: float) -> None:
        assert answer.device is not None
        SpeakerQueue.__init__(
            self, answer.rate_hz, CHANNELS, QUEUE_S, untold_s, answer.latency_s, process.memory()
        )
        LivingProcess.__init__(self, process, answer.device.name, self.heartbeat)
