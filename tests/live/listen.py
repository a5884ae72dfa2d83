"""A program of its own: hears the microphone for a while, writes what came into a file.

Usage: listen.py DEVICE RATE_HZ OUT.npz; prints "ready" when it listens, and goes on until its
standard input ends.
"""

from __future__ import annotations

import sys
import threading

import numpy as np

from realtime.clock import SystemClock
from realtime.messages import AudioChunk
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_process import MicrophoneDevice


def main(device: str, rate_hz: int, path: str) -> None:
    told = threading.Thread(target=sys.stdin.read, daemon=True)
    told.start()
    clock = SystemClock()
    source = MicrophoneSource(
        MicrophoneDevice(device, clock), stream="test", clock=clock, rate_hz=rate_hz
    )
    source.open()
    chunks: list[AudioChunk] = []
    try:
        while told.is_alive():
            for _, message in source.step(clock.now_ns(), {}):
                if not isinstance(message, AudioChunk):
                    continue  # which device it is
                if not chunks:
                    print("ready", flush=True)
                chunks.append(message)
    finally:
        source.close()
    np.savez(
        path,
        samples=np.concatenate([chunk.samples for chunk in chunks]),
        first_samples=[chunk.first_sample for chunk in chunks],
        lengths=[chunk.samples.size for chunk in chunks],
        capture_ns=[chunk.capture_ns for chunk in chunks],
        stats=[source.stats()["device_overflows"], source.stats()["lost_samples"]],
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
