"""What a microphone has given and nobody has read yet, and how the device is doing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S, Clock, unbroken_ns
from realtime.heartbeat import Heartbeat
from realtime.portaudio import LONGEST_DEVICE_DELAY_S
from realtime.ring import Allocate, Ring

_CAPTURED, _OVERFLOWS, _REFUSED = range(3)


class MicrophoneBlock(NamedTuple):
    """Consecutive sound: ``samples`` float32 (n, channels).

    ``first_sample`` counts every sample since the stream was opened, the lost ones too;
    ``capture_ns`` is when the first was taken, with the jitter of one callback.
    """

    first_sample: int
    capture_ns: int
    samples: NDArray[np.float32]


class MicrophoneQueue:
    """Between the device's callback, which may be of another process, and the stage, which reads.

    ``queue_s`` bounds what waits for the reader. When it is full whole blocks are refused: the next
    block that fits has a ``first_sample`` beyond the end of the one before.
    """

    def __init__(  # noqa: PLR0917  the device's, the queue's, and where it lies
        self,
        clock: Clock,
        rate_hz: int,
        channels: int,
        block_s: float,
        queue_s: float,
        allocate: Allocate = np.zeros,
    ) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self.block_samples = round(block_s * rate_hz)
        self.heartbeat = Heartbeat(allocate)
        self._clock = clock
        self._counts = allocate((3,), np.int64)
        blocks = max(2, round(queue_s / block_s))
        capacity = blocks * self.block_samples
        self._samples = Ring(capacity, channels, np.float32, allocate)
        # First sample, number of samples, capture time.
        self._stamps = Ring(blocks, 3, np.int64, allocate)
        self._stamp = np.zeros((1, 3), np.int64)

    def capture(self, data: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        """PortAudio's callback: take ``data`` (count, channels)."""
        counts = self._counts
        captured = int(counts[_CAPTURED])
        delay_s = times.currentTime - times.inputBufferAdcTime
        if not 0.0 < delay_s < LONGEST_DEVICE_DELAY_S:  # zero or garbage on several host APIs
            delay_s = 0.0
        delay_s = max(delay_s, count / self.rate_hz)  # the first sample is a whole block old
        if status.input_overflow:
            counts[_OVERFLOWS] += 1
        if self._samples.free < count or self._stamps.free < 1:
            counts[_REFUSED] += count
        else:
            self._samples.write(data)
            self._stamp[0, 0] = captured
            self._stamp[0, 1] = count
            self._stamp[0, 2] = self._clock.now_ns() - int(delay_s * NS_PER_S)
            self._stamps.write(self._stamp)
        counts[_CAPTURED] = captured + count
        self.heartbeat.beat(delay_s, unbroken_ns())

    def read(self) -> MicrophoneBlock | None:
        """The oldest block that waits, or None. One reader only."""
        if not self._stamps.queued:
            return None
        first_sample, count, capture_ns = (int(value) for value in self._stamps.read(1)[0])
        return MicrophoneBlock(first_sample, capture_ns, self._samples.read(count))

    @property
    def overflows(self) -> int:
        """Times the device itself lost sound, by an amount that it does not tell."""
        return int(self._counts[_OVERFLOWS])

    @property
    def refused_samples(self) -> int:
        """Samples lost because the reader was late."""
        return int(self._counts[_REFUSED])
