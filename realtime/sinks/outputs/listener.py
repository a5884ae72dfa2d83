"""One program that listens: a connection, and the little that waits for it."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress

_KERNEL_BYTES = 1 << 17  # what waits there cannot be taken back
_MOST_READ = 4096


class Listener:
    """Gives blocks to a connection without ever waiting for it.

    What is not taken waits, up to ``most_bytes``; one block more, and all that waits is thrown
    away: who was held up hears what is now, not what was.
    """

    def __init__(self, connection: socket.socket, most_bytes: int, frame_bytes: int) -> None:
        """A frame (one sample of every channel) is never cut."""
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._most_bytes = most_bytes
        self._frame_bytes = frame_bytes
        self._begun = memoryview(b"")  # of a block that is partly sent
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self.lost_samples = 0
        self.is_gone = False

    def put(self, block: bytes) -> None:
        """One more block to send."""
        if self._waiting_bytes + len(block) > self._most_bytes:
            self.lost_samples += self._waiting_bytes // self._frame_bytes
            self._waiting.clear()
            self._waiting_bytes = 0
        self._waiting.append(block)
        self._waiting_bytes += len(block)

    def send(self) -> None:
        """Send what the connection takes now."""
        try:
            self._ignore_what_it_says()
            while self._begun or self._waiting:
                if not self._begun:
                    self._begun = memoryview(self._waiting.popleft())
                    self._waiting_bytes -= len(self._begun)
                self._begun = self._begun[self._connection.send(self._begun) :]
        except BlockingIOError:
            pass
        except OSError:
            self.is_gone = True

    @property
    def has_all(self) -> bool:
        """Whether nothing waits."""
        return self.is_gone or not (self._begun or self._waiting)

    def close(self) -> None:
        """Let it have what the system holds already, and no more."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()

    def _ignore_what_it_says(self) -> None:
        with suppress(BlockingIOError):
            self._connection.recv(_MOST_READ)
