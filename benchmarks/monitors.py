"""Records what a sound server's sink plays, and knows when."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
_BYTES = 4  # of a sample
_READ_BYTES = 1 << 14
_BIN_S = 5.0  # in which one read comes as early as can be
_LEAST_BINS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """``samples`` (n,) or, of more channels, (n, channels) float32 at RATE_HZ, on disk.

    ``start_s``: when the first was played, monotonic.

    The sink's clock needs ``1 + slow`` seconds for a second of samples.
    """

    samples: NDArray[np.float32]
    start_s: float
    slow: float

    def instant_s(self, at_s: float) -> float:
        """When the sample was played that comes after ``at_s`` of samples."""
        return self.start_s + at_s * (1 + self.slow)


class MonitorRecorder:
    """Records one source of a PulseAudio server, mixed to mono unless told, from now on.

    The n-th sample cannot arrive before it was played. So the arrival that is earliest compared
    with its place in the recording tells when that began, but for the server's own shortest delay,
    which is the same for all recorders of this kind.
    """

    def __init__(self, source: str, environment: Mapping[str, str], channels: int = 1) -> None:
        self._channels = channels
        self._process = subprocess.Popen(
            [
                *("pacat", "--record", f"--device={source}", "--raw", "--format=float32le"),
                *(f"--rate={RATE_HZ}", f"--channels={channels}", "--latency-msec=20"),
            ],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - an hour is too long for memory
        self._arrivals: list[tuple[float, float]] = []  # of how many s of samples, and when
        self._thread = threading.Thread(target=self._read, name=f"record-{source}", daemon=True)
        self._thread.start()

    def stop(self) -> Recording:
        """End and give what was recorded."""
        self._process.terminate()
        self._process.wait(5)
        self._thread.join(5)
        with self._file:
            self._file.flush()
            length = self._file.tell() // (_BYTES * self._channels)
            shape = (length,) if self._channels == 1 else (length, self._channels)
            samples = np.zeros(shape, np.float32)
            if length:
                samples = np.memmap(self._file, "<f4", mode="r", shape=shape)
        start_s, slow = earliest(np.array(self._arrivals).reshape(-1, 2))
        return Recording(samples=samples, start_s=start_s, slow=slow)

    def _read(self) -> None:
        assert self._process.stdout is not None
        total = 0
        with self._process.stdout as pipe:
            while data := os.read(pipe.fileno(), _READ_BYTES):
                self._file.write(data)
                total += len(data)
                at_s = total / _BYTES / self._channels / RATE_HZ
                self._arrivals.append((at_s, time.monotonic()))


def earliest(arrivals: NDArray[np.float64]) -> tuple[float, float]:
    """The line below all arrivals ``(n, 2)`` of (s of samples, s): its start, and how slow it is.

    Below a minute nothing can be said of a clock.
    """
    if not len(arrivals):
        return float("inf"), 0.0
    at_s, behind_s = arrivals[:, 0], arrivals[:, 1] - arrivals[:, 0]
    bins = (at_s // _BIN_S).astype(int)
    if bins[-1] < _LEAST_BINS:
        return float(behind_s.min()), 0.0
    firsts = [np.flatnonzero(bins == number) for number in range(bins[-1])]
    lowest = [places[behind_s[places].argmin()] for places in firsts if len(places)]
    slow, start_s = np.polyfit(at_s[lowest], behind_s[lowest], 1)
    return float(start_s), float(slow)
