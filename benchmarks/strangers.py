"""Who knocks at a host without being asked: noise, other protocols, keys that nobody knows."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from itertools import cycle
from threading import Event, Thread

from realtime.remote.keys import KeyPair
from realtime.remote.line import Line, News, new_pair

_NOISES = (
    b"GET / HTTP/1.1\r\nHost: box\r\n\r\n",
    b"\xff" + bytes(8) + b"\x7f\x03\x01CURVE" + bytes(400),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),  # TLS
    bytes(5000),
)
_OTHER = b"another noise each time"


class Strangers:
    """Knock ``rate_hz`` times a second, and send noise as a known peer as often.

    ``knocks`` are the connections that were made, ``keys`` those of them that heard that nobody
    knows their key.
    """

    def __init__(self, host: str, port: int, there: bytes, known: KeyPair, rate_hz: float) -> None:
        self.knocks = self.keys = self.letters = 0
        self._place = (host, port)
        self._there = there
        self._known = known
        self._every_s = 1 / rate_hz
        self._over = Event()
        self._threads = [Thread(target=work, daemon=True) for work in (self._knock, self._write)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Go away."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _knock(self) -> None:
        """Without a key, or with an unknown one."""
        turns = cycle((*_NOISES, None, _OTHER))
        while not self._over.wait(self._every_s):
            noise = next(turns)
            if noise is None:
                self._unknown()
                continue
            with contextlib.suppress(OSError), socket.create_connection(self._place, 2) as knocked:
                self.knocks += 1
                knocked.sendall(os.urandom(3000) if noise is _OTHER else noise)

    def _unknown(self) -> None:
        """With a key that nobody knows, until that is said."""
        line = Line(f"tcp://{self._place[0]}:{self._place[1]}", new_pair(), self._there)
        until_s = time.monotonic() + 2
        news: list[News] = []
        while time.monotonic() < until_s and "refused" not in news:
            news += line.poll(50).news
        line.close()
        self.knocks += news.count("connected")
        self.keys += "refused" in news

    def _write(self) -> None:
        """Of a peer that is known and says nothing right."""
        address = f"tcp://{self._place[0]}:{self._place[1]}"
        line = Line(address, (self._known.public, self._known.private), self._there)
        while not self._over.wait(self._every_s):
            count = 1 + self.letters % 7
            self.letters += line.send([os.urandom(200) for _ in range(count)])
            line.poll(0)
        line.close()
