"""The ports at which other programs hear the slots: this machine alone, one WAV each, no end."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from realtime.errors import DeviceError
from realtime.sinks.outputs.endless_wav import BYTES_PER_SAMPLE, head
from realtime.sinks.outputs.listener import Listener

ADDRESS = "127.0.0.1"
MOST_LISTENERS = 24
QUEUE_S = 4.0  # what may wait for one that does not take it


class Ports:
    """``first``: all slots and the residual as the channels of one WAV; ``first + k``: channel k.

    Nothing here waits for anybody: :meth:`poll` does what can be done now.
    """

    def __init__(self, first: int, channels: int) -> None:
        self._first = first
        self._channels = channels
        self._servers: list[socket.socket] = []
        self._listeners: list[list[Listener]] = [[] for _ in range(channels + 1)]
        self._rate_hz: int | None = None
        self._lost_samples = 0
        self._refused = 0

    def open(self) -> None:
        """Listen.

        Raises:
            DeviceError: a port is in use.
        """
        for port in range(self._first, self._first + self._channels + 1):
            server = socket.socket()
            self._servers.append(server)
            if os.name == "posix":  # on Windows two programs would share a port
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind((ADDRESS, port))
            except OSError as error:
                raise DeviceError(
                    f"--outputs: port {port} of {ADDRESS} cannot be had ({error.strerror}); "
                    f"give another, tcp:PORT: that one and the {self._channels} after it are used"
                ) from error
            server.setblocking(False)
            server.listen(MOST_LISTENERS)

    def begin(self, rate_hz: int) -> None:
        """Sound of this rate follows; who was told another is let go, and may come again."""
        if rate_hz != self._rate_hz:
            self._let_all_go()
            self._rate_hz = rate_hz

    def give(self, rows: NDArray[np.float32]) -> None:
        """``(channels, n)`` for all who listen."""
        whole, *each = self._listeners
        if whole:
            block = np.ascontiguousarray(rows.T, "<f4").tobytes()
            for listener in whole:
                listener.put(block)
        for listeners, row in zip(each, rows, strict=True):
            for listener in listeners:
                listener.put(np.ascontiguousarray(row, "<f4").tobytes())

    def poll(self) -> None:
        """Let in who waits, once there is sound, and send what is taken."""
        if self._rate_hz is not None:
            for place, server in enumerate(self._servers):
                self._let_in(place, server, self._rate_hz)
        for listeners in self._listeners:
            for listener in listeners:
                listener.send()
            for listener in [one for one in listeners if one.is_gone]:
                self._let_go(listeners, listener)

    @property
    def has_given_all(self) -> bool:
        """Whether nothing waits for anybody."""
        return all(one.has_all for listeners in self._listeners for one in listeners)

    def stats(self) -> dict[str, float]:
        """Who listens, and what the slow ones have lost."""
        there = [one for listeners in self._listeners for one in listeners]
        lost = self._lost_samples + sum(one.lost_samples for one in there)
        return {"listeners": len(there), "refused": self._refused, "lost_samples": lost}

    def close(self) -> None:
        """Listen no more, and let all go: who comes again at once is not let in by who leaves."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        self._let_all_go()

    def _let_in(self, place: int, server: socket.socket, rate_hz: int) -> None:
        with suppress(OSError):  # nobody waits, or no longer
            while True:
                connection, _ = server.accept()
                if sum(map(len, self._listeners)) >= MOST_LISTENERS:
                    connection.close()
                    self._refused += 1
                    continue
                channels = self._channels if place == 0 else 1
                frame_bytes = channels * BYTES_PER_SAMPLE
                most_bytes = round(QUEUE_S * rate_hz) * frame_bytes
                listener = Listener(connection, most_bytes, frame_bytes)
                listener.put(head(rate_hz, channels))
                listener.send()
                self._listeners[place].append(listener)

    def _let_go(self, listeners: list[Listener], listener: Listener) -> None:
        self._lost_samples += listener.lost_samples
        listener.close()
        listeners.remove(listener)

    def _let_all_go(self) -> None:
        for listeners in self._listeners:
            for listener in list(listeners):
                self._let_go(listeners, listener)
