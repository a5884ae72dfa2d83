"""All connections that are open: bounded, whoever opens them, and none waited for at the end."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

MOST_CONNECTIONS = 32  # of viewers, of files on their way, of who says nothing


@dataclass(slots=True)
class _Open:
    socket: socket.socket
    address: str
    is_kept: bool = False


class Sockets:
    """Of too many the oldest is hung up on, of the address that has the most.

    Who watches is kept: nobody can push them out.
    """

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._most = most
        self._lock = Lock()
        self._open: list[_Open] = []
        self._hung_up = 0

    def add(self, sock: socket.socket) -> None:
        """One more; the same again is none."""
        with self._lock:
            self._open = [one for one in self._open if one.socket.fileno() >= 0]
            if any(one.socket is sock for one in self._open):
                return
            self._open.append(_Open(sock, address_of(sock)))
            while len(self._open) > self._most and (surplus := self._surplus()) is not None:
                self._open.remove(surplus)
                self._hung_up += 1
                hang_up(surplus.socket)

    def _surplus(self) -> _Open | None:
        loose = [one for one in self._open if not one.is_kept]
        if not loose:
            return None
        worst, _ = Counter(one.address for one in loose).most_common(1)[0]
        return next(one for one in loose if one.address == worst)

    def keep(self, sock: socket.socket) -> None:
        """It has come in."""
        with self._lock:
            for one in self._open:
                if one.socket is sock:
                    one.is_kept = True

    @property
    def hung_up(self) -> int:
        """How many were too many."""
        return self._hung_up

    def hang_up(self) -> None:
        """End them all."""
        with self._lock:
            for one in self._open:
                hang_up(one.socket)


def counted(sockets: Sockets) -> type[ssl.SSLSocket]:
    """What listens for TLS such that a connection is known before it has said anything."""

    class Listening(ssl.SSLSocket):
        def accept(self) -> tuple[ssl.SSLSocket, Any]:
            """The next one."""
            sock, address = super().accept()
            sockets.add(sock)
            return sock, address

    return Listening


def address_of(sock: socket.socket) -> str:
    """The host at the other end; "" where it has gone already."""
    try:
        return str(sock.getpeername()[0])
    except OSError:
        return ""


def hang_up(sock: socket.socket) -> None:
    """End a connection at once, whatever is on its way."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
