"""Where the mix goes: a real speaker, or nowhere."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.clock import Clock
from realtime.device_orders import Open
from realtime.device_process import DeviceLink
from realtime.device_search import Living
from realtime.portaudio import Latency
from realtime.sinks.speaker_process import QUEUE_S, SpeakerProcess


class Output(Living, Protocol):
    """What the speaker stage needs of a device; `SpeakerProcess` is one."""

    def write(self, samples: NDArray[np.float32]) -> int:
        """Queue the first of (n, 2) that fit; returns how many. Never waits."""

    @property
    def queued_samples(self) -> int:
        """Samples that wait for the device."""

    @property
    def end_samples(self) -> int | None:
        """The device's time at the end of the queue: all that was queued, and what was missing.

        None where nothing is played, and so nothing can be late.
        """

    @property
    def underflows(self) -> int:
        """Times the device found too little in the queue."""

    @property
    def device_underflows(self) -> int:
        """Times the device itself ran dry behind the queue."""

    @property
    def output_latency_s(self) -> float:
        """From leaving the queue to being heard."""


class Device(Protocol):
    """Where the mix goes: found before the run, opened once its rate is known, and opened again."""

    def probe(self) -> None:
        """Raise DeviceError where it cannot work; opens nothing."""

    def open(self, rate_hz: int) -> Output:
        """Find it by its name and start playing, however long it takes; raises DeviceError."""

    def close(self) -> None:
        """Look for it no more; what is open stays so."""


class NoOutput:
    """Takes everything and plays nothing, at once."""

    queued_samples = 0
    end_samples = None
    underflows = 0
    device_underflows = 0
    output_latency_s = 0.0
    name = "none"
    active = True
    beats = 0
    patience_s = math.inf

    def trouble(self) -> None:
        """There is never any."""

    def write(self, samples: NDArray[np.float32]) -> int:
        """Let (n, 2) go."""
        return len(samples)

    def close(self) -> None:
        """Nothing to stop."""


class NoDevice:
    """`--speaker none`: nothing is heard, everything is counted."""

    def probe(self) -> None:
        """It always works."""

    def open(self, rate_hz: int) -> NoOutput:
        """An output that is never full and never dry."""
        return NoOutput()

    def close(self) -> None:
        """Nothing to look for."""


class SoundDevice:
    """A speaker by name or number; None is the system's default."""

    def __init__(
        self, name: str | None, clock: Clock, latency: Latency = "high", untold_s: float = 0.0
    ) -> None:
        """`untold_s`: how much later it is heard than it tells."""
        self._link = DeviceLink("output", name, clock)
        self._latency = latency
        self._untold_s = untold_s

    def probe(self) -> None:
        """Raise DeviceError, naming what was found, when there is no such speaker."""
        self._link.find()

    def open(self, rate_hz: int) -> SpeakerProcess:
        """Start it at `rate_hz`; raises DeviceError."""
        order = Open(rate_hz=rate_hz, latency=self._latency, block_s=0.0, queue_s=QUEUE_S)
        process, answer = self._link.open(order)
        return SpeakerProcess(process, answer, self._untold_s)

    def close(self) -> None:
        """Look for it no more."""
        self._link.close()
