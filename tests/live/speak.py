"""A program of its own: plays streams on the speaker, in real time.

Usage: speak.py DEVICE DURATION_S; prints "ready" when it plays, and its numbers as JSON at the end.
The streams are a tone of 440 Hz (object 1) and one of 1000 Hz (residual); object 1 is muted half
way.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from realtime.clock import NS_PER_S, SystemClock
from realtime.messages import End, Streams
from realtime.sinks.mixer import centred
from realtime.sinks.output import SoundDevice
from realtime.sinks.speaker import Speaker

RATE_HZ = 44_100
PIECE = 3072
AGE_NS = 100_000_000  # how old the streams are when they come


def main(device: str, duration_s: float) -> None:
    clock = SystemClock()
    speaker = Speaker(SoundDevice(device, clock), centred)
    speaker.open()
    start_ns = clock.now_ns()
    pieces = round(duration_s * RATE_HZ / PIECE)
    for number in range(pieces):
        due_ns = start_ns + number * PIECE * NS_PER_S // RATE_HZ
        clock.sleep_s((due_ns - clock.now_ns()) / NS_PER_S)
        speaker.step(clock.now_ns(), {"streams": [piece(number, pieces, due_ns)]})
        if number == 0:
            print("ready", flush=True)
    end = End(stream="test", sequence=pieces, topic="streams")
    speaker.step(clock.now_ns(), {"streams": [end]})
    while not speaker.finished:
        clock.sleep_s(0.01)
        speaker.step(clock.now_ns(), {})
    print(json.dumps(speaker.stats()), flush=True)
    speaker.close()


def piece(number: int, pieces: int, due_ns: int) -> Streams:
    time_s = (number * PIECE + np.arange(PIECE)) / RATE_HZ
    tones = [0.2 * np.sin(2 * np.pi * hz * time_s) for hz in (440.0, 1000.0)]
    return Streams(
        stream="test",
        sequence=number,
        capture_ns=due_ns - AGE_NS,
        first_sample=number * PIECE,
        rate_hz=RATE_HZ,
        object_ids=(1,),
        samples=np.stack(tones).astype(np.float32),
        gains=(1.0 if number < pieces / 2 else 0.0, 1.0),
        pans=(0.0, 0.0),
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
