"""What waits to be played, and how the device that plays it is doing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.clock import unbroken_ns
from realtime.heartbeat import Heartbeat
from realtime.portaudio import LONGEST_DEVICE_DELAY_S
from realtime.ring import Allocate, Ring

_UNDERFLOWS, _MISSING, _DEVICE_UNDERFLOWS = range(3)
_AT_ONCE = 1024  # samples that are spread over other channels


class SpeakerQueue:
    """Between the stage, which writes, and the device's callback, which may be of another process.

    A device with other channels than the queue's plays it on its first ones; one with a single
    channel plays the mean. ``queue_s`` bounds what waits to be played. ``untold_s`` is how much
    later it is heard than the device tells; ``usual_delay_s`` stands for what it tells while that
    cannot be believed.
    """

    def __init__(  # noqa: PLR0917  the device's, the queue's, and where it lies
        self,
        rate_hz: int,
        channels: int,
        queue_s: float,
        untold_s: float,
        usual_delay_s: float,
        allocate: Allocate = np.zeros,
    ) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self.heartbeat = Heartbeat(allocate)
        self._counts = allocate((3,), np.int64)
        capacity = max(1, round(queue_s * rate_hz))
        self._ring = Ring(capacity, channels, np.float32, allocate)
        self._read = np.zeros((_AT_ONCE, channels), np.float32)
        self._untold_s = untold_s
        self._usual_delay_s = usual_delay_s

    def play(self, data: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        """PortAudio's callback: fill ``data`` (count, channels)."""
        got = self._ring.read_into(data) if data.shape[1] == self.channels else self._spread(data)
        if got < count:
            data[got:] = 0.0
            if self._ring.written:
                self._counts[_UNDERFLOWS] += 1
                self._counts[_MISSING] += count - got
        if status.output_underflow:
            self._counts[_DEVICE_UNDERFLOWS] += 1
        self.heartbeat.beat(times.outputBufferDacTime - times.currentTime, unbroken_ns())

    def _spread(self, data: NDArray[np.float32]) -> int:
        """Fill what has other channels; how many samples."""
        data[:] = 0.0
        done, got = 0, -1
        while done < len(data) and got:
            read = self._read[: len(data) - done]
            got = self._ring.read_into(read)
            into = data[done : done + got]
            if data.shape[1] == 1:
                np.mean(read[:got], axis=1, out=into[:, 0])
            else:
                into[:, : self.channels] = read[:got, : data.shape[1]]
            done += got
        return done

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
        return int(self._counts[_UNDERFLOWS])

    @property
    def missing_samples(self) -> int:
        """Samples of silence played in those callbacks."""
        return int(self._counts[_MISSING])

    @property
    def end_samples(self) -> int:
        """The device's time at the end of the queue: samples queued since the first, and missing.

        It goes on while the queue is empty.
        """
        return self._ring.written + self.missing_samples

    @property
    def device_underflows(self) -> int:
        """Times the device itself ran dry."""
        return int(self._counts[_DEVICE_UNDERFLOWS])

    @property
    def output_latency_s(self) -> float:
        """From leaving the queue to being heard, as the device tells, and what it does not."""
        told_s = self.heartbeat.delay_s
        if not 0.0 < told_s < LONGEST_DEVICE_DELAY_S:
            told_s = self._usual_delay_s
        return max(told_s + self._untold_s, 0.0)
