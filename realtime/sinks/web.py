"""The web viewer: the window's picture in a browser, for machines without a screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from queue import Empty, Full, Queue
from typing import Any

from realtime.messages import RESIDUAL_ID, Control, Scene
from realtime.picture import Colour, to_jpeg
from realtime.sinks.layout import Layout, lay_out, natural_size
from realtime.sinks.render import RESIDUAL_COLOUR, state_of
from realtime.sinks.requests import RequestError, parse_control
from realtime.sinks.viewer import Viewer
from realtime.sinks.web_server import Showcase, WebServer
from realtime.stage import Inputs, Outputs

MOST_WAITING_REQUESTS = 64  # then the user is told to slow down
_USUAL_PICTURE = (1280, 720)
_JPEG_QUALITY = 85


class Web:
    """Stage: reads `video`, `scene` and `stats`, writes `control`; draws only when watched."""

    def __init__(
        self,
        stream: str,
        engines: Mapping[str, str],
        announce: Callable[[str], None],
        positions_ms: Sequence[float] = (),
    ) -> None:
        """`announce` is told the address once it is served.

        `engines` maps each network to backend/precision, for the status line. `positions_ms` are
        the lookaheads that the dial can be turned to; none: it cannot be turned.
        """
        self._stream = stream
        self._announce = announce
        self._positions_ms = list(positions_ms)
        self._viewer = Viewer(engines)
        self._showcase = Showcase()
        self._server: WebServer | None = None
        self._requests: Queue[Control] = Queue(MOST_WAITING_REQUESTS)
        self._numbers = count()
        self._watched = 0
        self._finished = False

    def open(self) -> None:
        """Serve.

        Raises:
            DeviceError: no port is free.
        """
        self._server = WebServer(self._showcase, self._ask)
        self._announce(self._server.url)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Show what is due to those who watch; emit what they asked for."""
        self._viewer.take(inputs)
        is_changed = self._viewer.turn(now_ns) or bool(inputs)
        size = self._viewer.picture_size or _USUAL_PICTURE
        layout = lay_out(*natural_size(*size), *size)
        scene = self._viewer.newest_scene
        if is_changed and scene is not None:
            ahead = {
                "lookahead_ms": self._viewer.lookahead_ms,
                "positions_ms": self._positions_ms,
            }
            self._showcase.tell(plain_view(scene, layout) | ahead)
        watched = self._showcase.viewers
        if watched and (is_changed or watched > self._watched):
            picture = self._viewer.draw(layout, None)
            self._showcase.show(to_jpeg(picture, _JPEG_QUALITY))
        self._watched = watched
        self._finished = self._viewer.ended
        return [("control", control) for control in self._asked()]

    @property
    def finished(self) -> bool:
        """True after the end of pictures and scenes."""
        return self._finished

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def stats(self) -> Mapping[str, float]:
        """How many watch, and how picture and sound fit together."""
        return {"viewers": self._showcase.viewers, **self._viewer.stats()}

    def _ask(self, body: bytes) -> None:
        """Take a request, from any of the server's threads; raises RequestError."""
        control = parse_control(body, self._stream, next(self._numbers))
        try:
            self._requests.put_nowait(control)
        except Full:
            raise RequestError("too many requests at once") from None

    def _asked(self) -> list[Control]:
        controls = []
        while True:
            try:
                controls.append(self._requests.get_nowait())
            except Empty:
                return controls


def plain_view(scene: Scene, layout: Layout) -> dict[str, Any]:
    """What the page needs for its buttons and clicks.

    `picture` is the picture's box (x0, y0, x1, y1) in fractions of the view; `objects` has a row
    per object and one for the residual, last.
    """
    x0, y0, x1, y1 = layout.picture
    width, height = layout.width, layout.height
    rows = [
        _row(scene, item.id, item.colour, item.gain) | {"name": item.name}
        for item in sorted(scene.objects, key=lambda item: item.id)
    ]
    return {
        "picture": [x0 / width, y0 / height, x1 / width, y1 / height],
        "objects": [*rows, _row(scene, RESIDUAL_ID, RESIDUAL_COLOUR, scene.residual_gain)],
    }


def _row(scene: Scene, object_id: int, colour: Colour, gain: float) -> dict[str, Any]:
    blue, green, red = colour
    return {
        "id": object_id,
        "colour": f"#{red:02x}{green:02x}{blue:02x}",
        "gain": gain,
        "state": state_of(scene, object_id, gain),
    }
