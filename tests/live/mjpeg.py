"""A network camera: MJPEG over HTTP on the loopback, with all the faults of real ones."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from realtime.picture import to_jpeg

_BOUNDARY = "picture"


def numbered_picture(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Two greys whose lightness tells ``index`` (modulo 256); see :func:`number_of`."""
    picture = np.full((height, width, 3), 8 + 16 * (index % 16), np.uint8)
    picture[: height // 2] = 8 + 16 * (index // 16 % 16)
    return picture


def number_of(picture: np.ndarray) -> int:
    """The number, modulo 256, of a numbered picture that went through JPEG."""
    half = picture.shape[0] // 2
    high, low = (round((float(part.mean()) - 8) / 16) for part in (picture[:half], picture[half:]))
    return 16 * high + low


class MjpegCamera:
    """Serves ``picture(index)`` at ``url``, a new one every ``period_s`` seconds.

    The index grows with every picture sent, over all connections.
    """

    def __init__(
        self,
        picture: Callable[[int], np.ndarray] = numbered_picture,
        period_s: float = 1 / 30,
    ) -> None:
        self.period_s = period_s  # may be changed while it runs
        self.sent = 0
        self._picture = picture
        self._flowing = threading.Event()
        self._flowing.set()
        self._closing = threading.Event()
        self._dead = threading.Event()
        self._sockets: list[socket.socket] = []
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """What ``--video`` takes."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/camera.mjpg"

    def stall(self) -> None:
        """Keep the connections, send nothing."""
        self._flowing.clear()

    def resume(self) -> None:
        """Undo ``stall`` and ``cut``."""
        self._dead.clear()
        self._flowing.set()

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._dead.set()
        for connection in self._sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it had gone already
        self._sockets.clear()

    def close(self) -> None:
        """Stop serving."""
        self._closing.set()
        self.resume()
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        if self._dead.is_set():
            request.send_error(503)
            return
        self._sockets.append(request.connection)
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
        request.end_headers()
        try:
            while not self._closing.wait(self.period_s) and not self._dead.is_set():
                if not self._flowing.wait(0.05):
                    continue
                jpeg = to_jpeg(self._picture(self.sent), 90)
                self.sent += 1
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                request.wfile.write(f"{head}\r\n\r\n".encode() + jpeg + b"\r\n")
        except OSError:
            return  # the viewer has gone, or was cut off
