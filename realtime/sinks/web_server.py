"""The web viewer's server: the page's files, a WebSocket per viewer, one for what is captured.

Pages of other sites cannot use it, and off this machine nobody without the token
(:mod:`realtime.sinks.web_door`).
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from ssl import SSLContext
from threading import Event, Thread
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.sync.server import Server, ServerConnection, serve

from realtime.clock import Clock
from realtime.page_options import PageOptions
from realtime.sinks.requests import LARGEST_REQUEST_BYTES, RequestError
from realtime.sinks.showcase import STALL_TIMEOUT_S, Seat, Showcase
from realtime.sinks.web_capture import MOST_PACKET_BYTES, Stand, clock_answer, greeting
from realtime.sinks.web_door import ENTER_S, Door, entry
from realtime.sinks.web_listening import listen
from realtime.sinks.web_sockets import Sockets, address_of, counted, hang_up

LIVE, SOURCE = "/live", "/source"  # the WebSockets' paths
TOO_MANY, NO_TOKEN, TAKEN = 4000, 4001, 4002  # why a connection was closed, for the page
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

    def __init__(
        self,
        showcase: Showcase,
        ask: Ask,
        clock: Clock,
        given: PageOptions | None = None,
        stand: Stand | None = None,
    ) -> None:
        """Listen where `given` says.

        `ask` is called with what a viewer sent, from any thread; it raises RequestError where
        that is wrong, after which the viewer is read more slowly. `stand` takes what a browser
        captures; None: it is not wanted in this run.

        Raises:
            UsageError: the certificate cannot be used, or the host is none of this machine.
            DeviceError: no port is free.
        """
        self._showcase = showcase
        self._ask = ask
        self._clock = clock
        self._stand = stand
        self._files = page_files()
        self._is_closed = Event()
        self._sockets = Sockets()
        place = listen(given or PageOptions())
        self._url = place.url
        self._door = Door(place.rules)
        self._server = self._served(place.socket, place.tls)
        self._thread = Thread(target=self._server.serve_forever, name="web server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What to type into a browser."""
        return self._url

    def stats(self) -> Mapping[str, float]:
        """Who was refused."""
        return {**self._door.stats(), "refused_connections": self._sockets.hung_up}

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

    def _served(self, listening: socket.socket, tls: SSLContext | None) -> Server:
        if tls is not None:
            tls.sslsocket_class = counted(self._sockets)
        silent = logging.Logger("web viewer", logging.CRITICAL + 1)  # the terminal is not ours
        return serve(
            self._attend,
            sock=listening,
            ssl=tls,
            process_request=self._answer,
            compression=None,  # of pictures and sound nothing would be saved
            server_header="PixelPlayer",
            open_timeout=STALL_TIMEOUT_S,
            ping_interval=STALL_TIMEOUT_S / 2,
            ping_timeout=STALL_TIMEOUT_S,
            close_timeout=0.5,
            max_size=LARGEST_REQUEST_BYTES if self._stand is None else MOST_PACKET_BYTES,
            max_queue=16 if self._stand is None else 4,
            logger=silent,
            create_connection=_known_to(self._sockets),
        )

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """A file, a refusal, or None where a WebSocket may be opened."""
        hosts = request.headers.get_all("Host")
        refusal = self._door.refusal_of_page(hosts)
        if refusal is not None:
            return _refused(refusal)
        # Older releases refuse every other method themselves.
        if getattr(request, "method", "GET") != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"nothing but GET\n")
        path = urlsplit(request.path).path
        if path == LIVE or (path == SOURCE and self._stand is not None):
            origins = request.headers.get_all("Origin")
            address = address_of(connection.socket)
            now_ns = self._clock.now_ns()
            refusal = self._door.refusal_of_socket(hosts[0], origins, address, now_ns)
            return None if refusal is None else _refused(refusal)
        if path in self._files:
            kind, body = self._files[path]
            return _response(HTTPStatus.OK, body, kind)
        return _response(HTTPStatus.NOT_FOUND, b"nothing here\n")

    def _attend(self, connection: ServerConnection) -> None:
        """One connection's life, in a thread of its own."""
        with suppress(ConnectionClosed):  # it left, or has stalled
            if not self._comes_in(connection):
                connection.close(NO_TOKEN, "the token is missing or wrong")
                return
            self._sockets.keep(connection.socket)
            assert connection.request is not None
            if self._stand is not None and urlsplit(connection.request.path).path == SOURCE:
                self._take(connection, self._stand)
            else:
                self._view(connection)

    def _comes_in(self, connection: ServerConnection) -> bool:
        if not self._door.wants_token:
            return True
        try:
            message = connection.recv(ENTER_S)
        except TimeoutError:
            message = None
        address = address_of(connection.socket)
        return self._door.opens(message, address, self._clock.now_ns())

    def _view(self, connection: ServerConnection) -> None:
        seat = self._showcase.enter(lambda: hang_up(connection.socket))
        if seat is None:
            connection.close(TOO_MANY, "too many viewers")
            return
        sender = Thread(target=self._send, args=(connection, seat), name="web viewer", daemon=True)
        sender.start()
        try:
            for message in _said(connection):
                try:
                    self._ask(seat, message)
                except RequestError:
                    self._is_closed.wait(PAUSE_S)
        finally:
            self._showcase.leave(seat)

    def _take(self, connection: ServerConnection, stand: Stand) -> None:
        """A browser is the source for as long as it sends."""
        visit = stand.enter(lambda: hang_up(connection.socket), self._clock.now_ns())
        if visit is None:
            connection.close(TAKEN, "another browser is camera and microphone")
            return
        try:
            connection.send(greeting(stand.rate_hz))
            for message in _said(connection):
                now_ns = self._clock.now_ns()
                try:
                    if isinstance(message, str):
                        connection.send(clock_answer(message, now_ns))
                    else:
                        stand.take(visit, message, now_ns)
                except RequestError:
                    self._is_closed.wait(PAUSE_S)
        finally:
            stand.leave(visit)

    def _send(self, connection: ServerConnection, seat: Seat) -> None:
        with suppress(ConnectionClosed, OSError):
            while (parcels := self._showcase.next(seat, timeout_s=1.0)) is not None:
                for parcel in parcels:
                    connection.send(parcel)


def _said(connection: ServerConnection) -> Iterator[str | bytes]:
    """All that comes; a token that nobody asked for, with which the page begins, is no message."""
    for number, message in enumerate(connection):
        if number or entry(message) is None:
            yield message


def _known_to(sockets: Sockets) -> type[ServerConnection]:
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


def page_files() -> dict[str, File]:
    """What the page is made of, by path."""
    files = {
        f"/{path.name}": (f"{_KINDS[path.suffix]}; charset=utf-8", path.read_bytes())
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _KINDS
    }
    return files | {"/": files["/index.html"]}


def _refused(refusal: tuple[HTTPStatus, str]) -> Response:
    status, text = refusal
    return _response(status, f"{text}\n".encode())


def _response(status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> Response:
    own = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers(own | dict(_SECURITY)), body)
