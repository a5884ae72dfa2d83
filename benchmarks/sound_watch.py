"""Listens to a sink: from when on does it sound, and how long were the holes in it?"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping

import numpy as np

RATE_HZ = 48_000
FRAME_S = 0.010
LOUD = 0.005  # of a frame's RMS: well below the noise that is played, well above silence
SUSTAINED_S = 0.3  # so long it must sound: what a server had left is no sound that is back
_FRAME_BYTES = 4 * round(RATE_HZ * FRAME_S)


class SoundWatch:
    """Records ``source`` of a sound server, from now on until :meth:`stop`."""

    def __init__(self, source: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [
                *("pacat", "--record", f"--device={source}", "--raw", "--format=float32le"),
                *(f"--rate={RATE_HZ}", "--channels=1", "--latency-msec=10"),
            ],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._frames: list[tuple[float, bool]] = []  # when it came (monotonic), is it loud
        self._thread = threading.Thread(target=self._read, name="sound-watch", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        waiting = b""
        with self._process.stdout as pipe:
            while data := os.read(pipe.fileno(), 1 << 14):
                waiting += data
                now_s = time.monotonic()
                count = len(waiting) // _FRAME_BYTES
                if not count:
                    continue
                samples = np.frombuffer(waiting[: count * _FRAME_BYTES], "<f4")
                waiting = waiting[count * _FRAME_BYTES :]
                frames = samples.reshape(count, -1)
                loud = np.sqrt(np.mean(frames**2, axis=1)) > LOUD
                for number, is_loud in enumerate(loud):
                    behind_s = (count - 1 - number) * FRAME_S
                    self._frames.append((now_s - behind_s, bool(is_loud)))

    def sounds_since_s(self) -> float | None:
        """From when on it sounds without a hole, if it has for a while; monotonic seconds."""
        needed = round(SUSTAINED_S / FRAME_S)
        run = 0
        for at_s, is_loud in tuple(self._frames):
            run = run + 1 if is_loud else 0
            if run == needed:
                return at_s - SUSTAINED_S
        return None

    def longest_silence_s(self) -> float:
        """Of all that was recorded so far, counted in sound."""
        longest = run = 0
        for _, is_loud in tuple(self._frames):
            run = 0 if is_loud else run + 1
            longest = max(longest, run)
        return longest * FRAME_S

    def stop(self) -> None:
        """Listen no more."""
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(2)
        self._thread.join(5)
