"""A way between two hosts that can be cut: a real TCP proxy on this machine."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event, Lock, Thread

_POLL_S = 0.05
_PIECE_BYTES = 65536


class Proxy:
    """Listens at ``port`` and passes on to ``target``; while it is ``cut`` nothing gets through.

    As where a cable is out: connections stay open at both ends, and say nothing.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._through = Event()
        self._through.set()
        self._over = Event()
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_POLL_S)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def cut(self) -> None:
        self._through.clear()

    def mend(self) -> None:
        self._through.set()

    def drop(self) -> None:
        """Close what is open; new connections are passed on."""
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._over.set()
        self._through.set()
        self.drop()
        for thread in self._threads:
            thread.join()
        for one in (*self._sockets, self._listener):
            one.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except ConnectionRefusedError:  # nobody is there for now
                near.close()
                continue
            with self._lock:
                self._sockets += [near, far]
            self._start(self._pump, near, far)
            self._start(self._pump, far, near)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                while not self._through.wait(_POLL_S):
                    pass
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
