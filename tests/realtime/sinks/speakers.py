"""A speaker's device that plays when told to, and pieces of streams to play on it."""

import numpy as np

from realtime.device_life import DeviceLife
from realtime.messages import End, Streams
from tests.fakes.attempts import AtOnce

RATE_HZ = 8000
PIECE = 560  # 70 ms
START = 600  # silence before the first piece, 75 ms
STRETCH = 16  # samples that the follower of clocks holds back
MS = 1_000_000


class FakeOutput:
    """A device that plays when told to."""

    def __init__(self, capacity=RATE_HZ):
        self.capacity = capacity
        self.heard = []
        self.queue = np.zeros((0, 2), dtype=np.float32)
        self.underflows = 0
        self.device_underflows = 0
        self.end_samples = 0
        self.output_latency_s = 0.010
        self.active = True
        self.closed = False
        self.name = "fake"
        self.beats = 0
        self.patience_s = 1.0

    def trouble(self):
        return None

    @property
    def queued_samples(self):
        return len(self.queue)

    def write(self, samples):
        accepted = samples[: self.capacity - len(self.queue)]
        self.queue = np.concatenate([self.queue, accepted])
        self.end_samples += len(accepted)
        return len(accepted)

    def play(self, samples):
        self.beats += 1
        self.heard.append(self.queue[:samples])
        self.underflows += len(self.queue) < samples
        self.end_samples += max(0, samples - len(self.queue))
        self.queue = self.queue[samples:]

    def close(self):
        self.closed = True


class FakeDevice:
    def __init__(self):
        self.outputs = []
        self.error = None
        self.closed = False

    def probe(self):
        if self.error:
            raise self.error

    def open(self, rate_hz):
        if self.error:
            raise self.error
        self.outputs.append(FakeOutput(rate_hz))
        return self.outputs[-1]

    def close(self):
        self.closed = True


def life(connect):
    return DeviceLife("speaker", connect, AtOnce)


def piece(number, level=0.5, length=PIECE):
    return Streams(
        stream="test",
        sequence=number,
        capture_ns=number * 70 * MS,
        first_sample=number * PIECE,
        rate_hz=RATE_HZ,
        object_ids=(),
        samples=np.full((1, length), level, dtype=np.float32),
        gains=(1.0,),
        pans=(0.0,),
    )


def end():
    return End(stream="test", sequence=99, topic="streams")


def run(speaker, number, now_ms, message=None):
    return speaker.step(now_ms * MS, {"streams": [message or piece(number)]})
