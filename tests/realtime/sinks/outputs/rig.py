"""Real connections to the outputs of a stage that is stepped by the test."""

from __future__ import annotations

import socket
import struct
from contextlib import ExitStack

import numpy as np

from realtime.messages import Message
from realtime.sinks.outputs.ports import ADDRESS, Ports
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.outputs.stage import ObjectOutputs
from realtime.sinks.outputs.track import Track

SLOTS = 3
TIMEOUT_S = 20


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody uses now."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind((ADDRESS, 0))
            port: int = first.getsockname()[1]
            try:
                for number in range(port + 1, port + count):
                    held.enter_context(socket.socket()).bind((ADDRESS, number))
            except (OSError, OverflowError):
                continue
            return port


class Rig:
    """An open stage with ``SLOTS`` slots, and who is connected to it."""

    def __init__(self) -> None:
        self.port = free_ports(SLOTS + 2)
        self.stage = self.another()
        self.stage.open()
        self._connections = ExitStack()

    def another(self) -> ObjectOutputs:
        """A stage for the same ports, not open."""
        slots = Slots(SLOTS)
        return ObjectOutputs(Track(slots), slots, Ports(self.port, SLOTS + 1))

    def connect(self, place: int) -> socket.socket:
        connection = socket.create_connection((ADDRESS, self.port + place), TIMEOUT_S)
        return self._connections.enter_context(connection)

    def step(self, *messages: Message, topic: str = "streams", now_ns: int = 0) -> None:
        self.stage.step(now_ns, {topic: messages} if messages else {})

    def close(self) -> None:
        self.stage.close()
        self._connections.close()


def read_all(connection: socket.socket) -> bytes:
    """All until the other side ends."""
    data = b""
    while more := connection.recv(1 << 16):
        data += more
    return data


def opened(data: bytes) -> tuple[int, np.ndarray]:
    """The rate and the samples ``(channels, n)`` of a WAV as it came."""
    riff, _, wave, fmt, size = struct.unpack_from("<4sI4s4sI", data)
    assert (riff, wave, fmt) == (b"RIFF", b"WAVE", b"fmt ")
    _, channels, rate_hz, per_second, frame, bits = struct.unpack_from("<HHIIHH", data, 20)
    assert (per_second, frame, bits) == (rate_hz * channels * 4, channels * 4, 32)
    name, _ = struct.unpack_from("<4sI", data, 20 + size)
    assert name == b"data"
    samples = np.frombuffer(data[28 + size :], "<f4")
    return rate_hz, samples.reshape(-1, channels).T
