"""The web viewer's server: a page, its pictures, and what the user asks for. Standard library only.

It listens on this machine alone. Pages of other sites cannot use it: a request must name this
server as its host (against rebound names), and one that asks for something must come from its own
page, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from realtime.errors import DeviceError
from realtime.sinks.requests import LARGEST_REQUEST_BYTES, RequestError

ADDRESS = "127.0.0.1"
FIRST_PORT = 8765
PORTS_TRIED = 20
MOST_VIEWERS = 8
STALL_TIMEOUT_S = 10.0  # a viewer that takes nothing for so long is let go
_BOUNDARY = "picture"
_PAGE = Path(__file__).with_name("page.html")
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; connect-src 'self'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Ask = Callable[[bytes], None]


class Showcase:
    """The newest picture and scene, for any number of viewers; the one who shows never waits."""

    def __init__(self) -> None:
        self._changed = Condition(Lock())
        self._jpeg = b""
        self._scene = b"null"
        self._number = 0
        self._viewers = 0
        self._is_closed = False

    @property
    def viewers(self) -> int:
        """How many watch."""
        return self._viewers

    def show(self, jpeg: bytes) -> None:
        """Replace the picture; who has not taken the last one will not see it."""
        with self._changed:
            self._jpeg = jpeg
            self._number += 1
            self._changed.notify_all()

    def tell(self, scene: object) -> None:
        """Replace what is known of the objects."""
        self._scene = json.dumps(scene).encode()

    @property
    def scene(self) -> bytes:
        """The objects, as JSON."""
        return self._scene

    def next(self, after: int, timeout_s: float) -> tuple[int, bytes] | None:
        """The number and the JPEG of a picture newer than `after`; None when there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._number > after or self._is_closed, timeout_s)
            if self._is_closed or self._number <= after:
                return None
            return self._number, self._jpeg

    def enter(self) -> bool:
        """One more viewer; False when there are too many."""
        with self._changed:
            if self._viewers >= MOST_VIEWERS:
                return False
            self._viewers += 1
            return True

    def leave(self) -> None:
        """One viewer less."""
        with self._changed:
            self._viewers -= 1

    @property
    def is_closed(self) -> bool:
        """True when nothing more will be shown."""
        return self._is_closed

    def close(self) -> None:
        """Let all viewers go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


class WebServer:
    """Serves a showcase until closed, in threads of its own."""

    def __init__(self, showcase: Showcase, ask: Ask) -> None:
        """Listen on the first free port from FIRST_PORT on.

        `ask` is called with the body of each request for something, from any thread; it raises
        RequestError where the body is wrong.

        Raises:
            DeviceError: no port is free.
        """
        self._showcase = showcase
        self._server = _listening(_handler(showcase, ask, _PAGE.read_bytes()))
        self._thread = Thread(
            target=self._server.serve_forever, args=(0.1,), name="web server", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """What to type into a browser."""
        return f"http://{ADDRESS}:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Let all viewers go and stop listening."""
        self._showcase.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(STALL_TIMEOUT_S)


class _Server(ThreadingHTTPServer):
    """Does not wait for viewers at its end, and keeps quiet about those who leave."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name == "posix"  # on Windows two programs would share a port

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A viewer went away in the middle; that is no error."""


def _listening(handler: type[BaseHTTPRequestHandler]) -> _Server:
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with contextlib.suppress(OSError):
            return _Server((ADDRESS, port), handler)
    raise DeviceError(
        f"the ports {FIRST_PORT} to {FIRST_PORT + PORTS_TRIED - 1} of {ADDRESS} are all in use; "
        "end what uses them, or use --view none"
    )


def _handler(showcase: Showcase, ask: Ask, page: bytes) -> type[BaseHTTPRequestHandler]:
    """The handler class of one server: the standard library makes one object per connection."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "PixelPlayer"
        sys_version = ""
        timeout = STALL_TIMEOUT_S

        def do_GET(self) -> None:
            if not self._is_for_us():
                self._answer(HTTPStatus.MISDIRECTED_REQUEST, b"unknown host\n")
                return
            path = urlsplit(self.path).path
            if path == "/":
                self._answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
            elif path == "/scene.json":
                self._answer(HTTPStatus.OK, showcase.scene, "application/json")
            elif path == "/stream.mjpg":
                self._stream()
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"nothing here\n")

        def do_POST(self) -> None:
            self.close_connection = True  # what is left of a refused body is no next request
            if not self._is_for_us():
                self._answer(HTTPStatus.MISDIRECTED_REQUEST, b"unknown host\n")
            elif self.headers.get("Origin") != f"http://{self.headers['Host']}":
                self._answer(HTTPStatus.FORBIDDEN, b"foreign page\n")
            elif urlsplit(self.path).path != "/control":
                self._answer(HTTPStatus.NOT_FOUND, b"nothing here\n")
            elif self.headers.get_content_type() != "application/json":
                self._answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"wanted JSON\n")
            else:
                self._control()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the terminal belongs to the status line."""

        def _control(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdecimal()):
                self._answer(HTTPStatus.LENGTH_REQUIRED, b"wanted a length\n")
            elif len(length) > 9 or int(length) > LARGEST_REQUEST_BYTES:
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b"too long\n")
            else:
                try:
                    ask(self.rfile.read(int(length)))
                except RequestError as error:
                    self._answer(HTTPStatus.BAD_REQUEST, f"{error}\n".encode())
                else:
                    self._answer(HTTPStatus.NO_CONTENT, b"")

        def _stream(self) -> None:
            if not showcase.enter():
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, b"too many viewers\n")
                return
            try:
                self._send_pictures()
            except OSError:
                self.close_connection = True  # the viewer left, or has stalled
            finally:
                showcase.leave()

        def _send_pictures(self) -> None:
            self.close_connection = True
            # A short queue in the kernel: a slow viewer gets fewer pictures, not older ones.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
            self.send_response(HTTPStatus.OK)
            self._send_headers(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            number = 0
            while not showcase.is_closed:
                newer = showcase.next(number, timeout_s=1.0)
                if newer is None:
                    continue
                number, jpeg = newer
                head = (
                    f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                    f"Content-Length: {len(jpeg)}\r\n\r\n"
                )
                self.wfile.write(head.encode() + jpeg + b"\r\n")

        def _is_for_us(self) -> bool:
            """Whether the request names this server: a page elsewhere may rebind its own name."""
            port = self.connection.getsockname()[1]
            return self.headers.get("Host") in (f"{ADDRESS}:{port}", f"localhost:{port}")

        def _answer(
            self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8"
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self._send_headers(kind)
            self.wfile.write(body)

        def _send_headers(self, kind: str) -> None:
            self.send_header("Content-Type", kind)
            for name, value in _SECURITY.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler
