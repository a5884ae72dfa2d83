"""Records what a sound server's sink plays, and knows when."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 48_000
_BYTES = 4  # of a sample
_READ_BYTES = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """``samples`` (n,) float32 at RATE_HZ; ``start_s``: when the first was played, monotonic."""

    samples: NDArray[np.float32]
    start_s: float


class MonitorRecorder:
    """Records one source of a PulseAudio server, mixed to mono, from now on.

    The n-th sample cannot arrive before it was played. So the arrival that is earliest compared
    with its place in the recording tells when that began, but for the server's own shortest delay,
    which is the same for all recorders of this kind.
    """

    def __init__(self, source: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [
                *("pacat", "--record", f"--device={source}", "--raw", "--format=float32le"),
                *(f"--rate={RATE_HZ}", "--channels=1", "--latency-msec=20"),
            ],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self._parts: list[bytes] = []
        self._start_s = float("inf")
        self._thread = threading.Thread(target=self._read, name=f"record-{source}", daemon=True)
        self._thread.start()

    def stop(self) -> Recording:
        """End and give what was recorded."""
        self._process.terminate()
        self._process.wait(5)
        self._thread.join(5)
        data = b"".join(self._parts)
        samples = np.frombuffer(data[: len(data) // _BYTES * _BYTES], "<f4").astype(np.float32)
        return Recording(samples=samples, start_s=self._start_s)

    def _read(self) -> None:
        assert self._process.stdout is not None
        total = 0
        with self._process.stdout as pipe:
            while data := os.read(pipe.fileno(), _READ_BYTES):
                self._parts.append(data)
                total += len(data)
                self._start_s = min(self._start_s, time.monotonic() - total / _BYTES / RATE_HZ)
