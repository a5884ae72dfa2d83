"""The web viewer's server: the page's files, and one WebSocket per viewer.

It listens on this machine alone. Pages of other sites cannot use it: every request must name this
server as its host (against rebound names), and a WebSocket must be opened by its own page.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from threading import Event, Lock, Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.sync.server import Server, ServerConnection, serve

from realtime.errors import DeviceError
from realtime.sinks.requests import LARGEST_REQUEST_BYTES, RequestError
from realtime.sinks.showcase import MOST_VIEWERS, STALL_TIMEOUT_S, Seat, Showcase

ADDRESS = "127.0.0.1"
FIRST_PORT = 8765
PORTS_TRIED = 20
MOST_CONNECTIONS = 4 * MOST_VIEWERS  # of viewers, of files on their way, of who says nothing
LIVE = "/live"  # the WebSocket's path
TOO_MANY = 4000  # why a connection was closed, for the page
PAUSE_S = 0.05  # who asks for too much is read more slowly
_KERNEL_QUEUE_BYTES = 1 << 18
_FOLDER = Path(__file__).with_name("page")
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_SECURITY = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
            "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
)

Ask = Callable[[Seat, str | bytes], None]
File = tuple[str, bytes]  # its kind, and what is in it


class WebServer:
    """Serves a showcase until closed, in threads of its own."""

    def __init__(self, showcase: Showcase, ask: Ask) -> None:
        """Listen on the first free port from FIRST_PORT on.

        `ask` is called with what a viewer sent, from any thread; it raises RequestError where
        that is wrong, after which the viewer is read more slowly.

        Raises:
            DeviceError: no port is free.
        """
        self._showcase = showcase
        self._ask = ask
        self._files = page_files()
        self._is_closed = Event()
        self._sockets = _Sockets()
        listening = _listening()
        self._port: int = listening.getsockname()[1]
        self._server = self._served(listening)
        self._thread = Thread(target=self._server.serve_forever, name="web server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What to type into a browser."""
        return f"http://{ADDRESS}:{self._port}/"

    def close(self) -> None:
        """Let all viewers go and stop listening."""
        self._is_closed.set()
        self._showcase.close()
        ending = Thread(target=self._server.shutdown, name="web server's end", daemon=True)
        ending.start()
        ending.join(1.0)  # they are told politely
        self._sockets.hang_up()  # who does not listen, or has not said what it wants, is not asked
        ending.join(STALL_TIMEOUT_S)
        self._thread.join(STALL_TIMEOUT_S)

    def _served(self, listening: socket.socket) -> Server:
        silent = logging.Logger("web viewer", logging.CRITICAL + 1)  # the terminal is not ours
        return serve(
            self._attend,
            sock=listening,
            process_request=self._answer,
            compression=None,  # of pictures and sound nothing would be saved
            server_header="PixelPlayer",
            open_timeout=STALL_TIMEOUT_S,
            ping_interval=STALL_TIMEOUT_S / 2,
            ping_timeout=STALL_TIMEOUT_S,
            close_timeout=0.5,
            max_size=LARGEST_REQUEST_BYTES,
            max_queue=16,
            logger=silent,
            create_connection=_known_to(self._sockets),
        )

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal, or None where a WebSocket may be opened."""
        hosts = (f"{ADDRESS}:{self._port}", f"localhost:{self._port}")
        host = request.headers.get_all("Host")
        if len(host) != 1 or host[0] not in hosts:
            return _response(HTTPStatus.MISDIRECTED_REQUEST, b"unknown host\n")
        # Older releases refuse every other method themselves.
        if getattr(request, "method", "GET") != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"nothing but GET\n")
        path = urlsplit(request.path).path
        if path == LIVE:
            if request.headers.get_all("Origin") != [f"http://{host[0]}"]:
                return _response(HTTPStatus.FORBIDDEN, b"foreign page\n")
            return None
        if path in self._files:
            kind, body = self._files[path]
            return _response(HTTPStatus.OK, body, kind)
        return _response(HTTPStatus.NOT_FOUND, b"nothing here\n")

    def _attend(self, connection: ServerConnection) -> None:
        """One viewer's life, in a thread of its own."""
        seat = self._showcase.enter(lambda: _hang_up(connection.socket))
        if seat is None:
            connection.close(TOO_MANY, "too many viewers")
            return
        sender = Thread(target=self._send, args=(connection, seat), name="web viewer", daemon=True)
        sender.start()
        try:
            for message in connection:
                try:
                    self._ask(seat, message)
                except RequestError:
                    self._is_closed.wait(PAUSE_S)
        except ConnectionClosed:
            pass  # it left, or has stalled
        finally:
            self._showcase.leave(seat)

    def _send(self, connection: ServerConnection, seat: Seat) -> None:
        with suppress(ConnectionClosed, OSError):
            while (parcels := self._showcase.next(seat, timeout_s=1.0)) is not None:
                for parcel in parcels:
                    connection.send(parcel)


class _Sockets:
    """All that are open, so that nobody has to be waited for at the end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: list[socket.socket] = []

    def add(self, sock: socket.socket) -> None:
        """One more; the oldest is hung up on where there are too many."""
        with self._lock:
            self._open = [one for one in self._open if one.fileno() >= 0]
            self._open.append(sock)
            for surplus in self._open[:-MOST_CONNECTIONS]:
                _hang_up(surplus)

    def hang_up(self) -> None:
        """End them all."""
        with self._lock:
            for sock in self._open:
                _hang_up(sock)


def _known_to(sockets: _Sockets) -> type[ServerConnection]:
    """The class of connections that `sockets` knows from their first moment on."""

    class Connection(ServerConnection):
        def __init__(
            self, sock: socket.socket, protocol: ServerProtocol, server: Server, **rules: Any
        ) -> None:
            # A short queue in the kernel: a slow viewer gets fewer pictures, not older ones.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_QUEUE_BYTES)
            sockets.add(sock)
            super().__init__(sock, protocol, server, **rules)

    return Connection


def _hang_up(sock: socket.socket) -> None:
    """End a connection at once, whatever is on its way."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _listening() -> socket.socket:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # on Windows two programs would share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((ADDRESS, port))
            sock.listen(MOST_CONNECTIONS)
        except OSError:
            sock.close()
        else:
            return sock
    raise DeviceError(
        f"the ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} of {ADDRESS} are all in use; "
        "end what uses them, or use --view none"
    )


def page_files() -> dict[str, File]:
    """What the page is made of, by path."""
    files = {
        f"/{path.name}": (f"{_KINDS[path.suffix]}; charset=utf-8", path.read_bytes())
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _KINDS
    }
    return files | {"/": files["/index.html"]}


def _response(status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    own = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers(own | dict(_SECURITY)), body)
