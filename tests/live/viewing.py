"""A viewer of the web page without a browser: its WebSocket, as the page opens it."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

TIMEOUT_S = 20.0
_HEADER = struct.Struct("<BBHIq")


@dataclass(frozen=True)
class Packet:
    """A picture (kind 1), a piece of sound (kind 2), or columns of spectrograms (kind 3)."""

    kind: int
    channels: int
    number: int
    capture_ns: int
    body: bytes


def packet(data: bytes) -> Packet:
    kind, channels, _, number, capture_ns = _HEADER.unpack_from(data)
    return Packet(kind, channels, number, capture_ns, data[_HEADER.size :])


class Viewing:
    """Connected until it is left; acknowledges pictures as it takes them."""

    def __init__(self, url: str, **options: Any) -> None:
        address = url.rstrip("/")
        usual: dict[str, Any] = {"origin": address, "proxy": None, "max_size": None}
        self._opening = connect(f"ws{address.removeprefix('http')}/live", **usual | options)
        self.socket: ClientConnection

    def __enter__(self) -> Viewing:
        self.socket = self._opening.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._opening.__exit__(*problem)

    def ask(self, **request: object) -> None:
        self.socket.send(json.dumps(request))

    def take(self) -> dict[str, Any] | Packet:
        """The next that comes."""
        data = self.socket.recv(TIMEOUT_S)
        if isinstance(data, str):
            told: dict[str, Any] = json.loads(data)
            return told
        taken = packet(data)
        if taken.kind == 1:
            self.ask(kind="seen", number=taken.number)
        return taken

    def picture(self) -> Packet:
        return self._packet(1)

    def sound(self) -> Packet:
        return self._packet(2)

    def spectra(self) -> Packet:
        return self._packet(3)

    def told(self, key: str = "objects") -> dict[str, Any]:
        """The next state, or the next with another key."""
        while True:
            taken = self.take()
            if isinstance(taken, dict) and key in taken:
                return taken

    def close_code(self) -> int | None:
        """Why the other side hung up, once it has."""
        try:
            while True:
                self.socket.recv(TIMEOUT_S)
        except ConnectionClosed as closed:
            return None if closed.rcvd is None else closed.rcvd.code

    def _packet(self, kind: int) -> Packet:
        while True:
            taken = self.take()
            if isinstance(taken, Packet) and taken.kind == kind:
                return taken
