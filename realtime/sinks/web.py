"""The web viewer: picture, cards and sound in a browser, for machines without a screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from queue import Empty, Full, Queue

from realtime.messages import Control
from realtime.picture import resized, to_jpeg
from realtime.sinks.requests import Listen, RequestError, Seen, parse_request
from realtime.sinks.scene_layer import draw_scene
from realtime.sinks.showcase import Seat, Showcase
from realtime.sinks.viewer import Viewer
from realtime.sinks.web_packets import MixPackets, picture_packet
from realtime.sinks.web_server import WebServer
from realtime.sinks.web_state import plain_numbers, plain_objects
from realtime.stage import Inputs, Outputs

MOST_WAITING_REQUESTS = 64  # then the user is told to slow down
LONGEST_SIDE, SHORTEST_LONG_SIDE = 1024, 640  # outlines are drawn into what is sent
_JPEG_QUALITY = 85


class Web:
    """Stage: reads `video`, `streams`, `scene` and `stats`, writes `control`.

    Draws only when watched, and mixes only when listened to.
    """

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
        self._mix = MixPackets()
        self._server: WebServer | None = None
        self._requests: Queue[Control] = Queue(MOST_WAITING_REQUESTS)
        self._numbers = count()
        self._watched = 0
        self._released = 0
        self._finished = False

    def open(self) -> None:
        """Serve.

        Raises:
            DeviceError: no port is free.
        """
        self._server = WebServer(self._showcase, self._ask)
        self._announce(self._server.url)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Show and play what is due to those who want it; emit what they asked for."""
        self._play(inputs)
        self._viewer.take(inputs)
        is_changed = self._viewer.turn(now_ns) or "scene" in inputs
        self._released += self._showcase.release_stalled(now_ns)
        if "scene" in inputs or "stats" in inputs:
            self._tell()
        watched = self._showcase.viewers
        if watched and (is_changed or watched > self._watched):
            self._show()
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
        """How many watch and listen, who was let go, how picture and sound fit together."""
        return {
            "viewers": self._showcase.viewers,
            "listeners": self._showcase.listeners,
            "stalled_viewers": self._released,
            **self._viewer.stats(),
        }

    def _play(self, inputs: Inputs) -> None:
        if not self._showcase.listeners:
            self._mix.reset()
            return
        for message in inputs.get("streams", ()):
            packet = self._mix.feed(message)
            if packet is not None:
                self._showcase.play(packet)

    def _tell(self) -> None:
        scene = self._viewer.newest_scene
        state = {
            "objects": [] if scene is None else plain_objects(scene),
            "numbers": plain_numbers(self._viewer.hud),
            "lookahead_ms": self._viewer.lookahead_ms,
            "positions_ms": self._positions_ms,
        }
        self._showcase.tell(json.dumps(state, allow_nan=False))

    def _show(self) -> None:
        frame = self._viewer.shown
        if frame is None:
            return
        height, width = frame.pixels.shape[:2]
        pixels = resized(frame.pixels, *sent_size(width, height))
        jpeg = to_jpeg(draw_scene(pixels, self._viewer.scene), _JPEG_QUALITY)
        number = self._showcase.picture_number + 1
        self._showcase.show(picture_packet(number, frame.capture_ns, jpeg))

    def _ask(self, seat: Seat, body: str | bytes) -> None:
        """Take a request, from any of the server's threads; raises RequestError."""
        try:
            asked = parse_request(body, self._stream, next(self._numbers))
            if isinstance(asked, Seen):
                self._showcase.seen(seat, asked.number)
            elif isinstance(asked, Listen):
                self._showcase.listen(seat, wants=asked.wants)
            else:
                self._put(asked)
        except RequestError as error:
            self._showcase.answer(seat, json.dumps({"refused": str(error)}))
            raise

    def _put(self, control: Control) -> None:
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


def sent_size(width: int, height: int) -> tuple[int, int]:
    """Width and height that a picture is drawn and sent in."""
    longest = max(width, height)
    scale = min(max(longest, SHORTEST_LONG_SIDE), LONGEST_SIDE) / longest
    return max(1, round(width * scale)), max(1, round(height * scale))
