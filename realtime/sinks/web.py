"""The web viewer: picture, cards and sound in a browser, for machines without a screen."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from queue import Empty, Full, Queue

from realtime.clock import NS_PER_MS, Clock, SystemClock
from realtime.desk import Choice
from realtime.messages import Message, Streams
from realtime.page_options import PageOptions
from realtime.picture import resized, to_jpeg
from realtime.scout import NoLooking, Scout
from realtime.sinks.requests import (
    Chosen,
    Follow,
    Listen,
    ListParts,
    Look,
    RequestError,
    Seen,
    parse_request,
)
from realtime.sinks.showcase import Seat, Showcase
from realtime.sinks.viewer import Viewer
from realtime.sinks.views import NEEDS, View
from realtime.sinks.web_capture import Stand
from realtime.sinks.web_packets import MixPackets, picture_packet, spectra_packet
from realtime.sinks.web_server import WebServer
from realtime.sinks.web_state import plain_numbers, plain_objects
from realtime.sinks.wishes import Wishes
from realtime.spectra import ObjectSpectra
from realtime.stage import Inputs, Outputs
from realtime.wishes import Wish

MOST_WAITING_REQUESTS = 64  # then the user is told to slow down
LONGEST_SIDE, SHORTEST_LONG_SIDE = 1024, 640  # outlines are drawn into what is sent
_JPEG_QUALITY = 85
MOST_WAITING_SPECTRA = 64


class Web:
    """Stage: reads `video`, `scene`, `monitor`, `spectra`, `stats`; writes `control`, `captured`.

    Draws only when watched, and in the views that are looked at; mixes only when listened to.
    """

    def __init__(
        self,
        stream: str,
        engines: Mapping[str, str],
        announce: Callable[[str], None],
        positions_ms: Sequence[float] = (),
        scout: Scout | None = None,
        *,
        clock: Clock | None = None,
        page: PageOptions | None = None,
        captures: bool = False,
    ) -> None:
        """`announce` is told the address once it is served, as `page` says, with its token.

        `captures`: a browser is to be the run's camera and microphone.

        `engines` maps each network to backend/precision, for the status line. `positions_ms` are
        the lookaheads that the dial can be turned to; none: it cannot be turned. `scout` finds
        what devices and engines there are to choose from.
        """
        self._stream = stream
        self._announce = announce
        self._positions_ms = list(positions_ms)
        self._viewer = Viewer(engines)
        self._scout = scout or Scout(NoLooking())
        self._showcase = Showcase()
        self._mix = MixPackets()
        self._wishes = Wishes(stream)
        self._spectra: deque[ObjectSpectra] = deque(maxlen=MOST_WAITING_SPECTRA)
        self._clock = clock or SystemClock()
        self._page = page
        self._stand = Stand(stream) if captures else None
        self._server: WebServer | None = None
        self._requests: Queue[Message] = Queue(MOST_WAITING_REQUESTS)
        self._numbers = count()
        self._watched = 0
        self._views: frozenset[View] = frozenset()
        self._released = 0
        self._finished = False

    def open(self) -> None:
        """Serve.

        Raises:
            UsageError: the certificate cannot be used, or the host is none of this machine.
            DeviceError: no port is free.
        """
        self._server = WebServer(self._showcase, self._ask, self._clock, self._page, self._stand)
        self._announce(self._server.url)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Show and play what is due to those who want it; emit what they asked for."""
        self._play(inputs)
        self._viewer.take(inputs)
        # What is drawn now is seen when it has come.
        seen_ns = now_ns + self._showcase.ahead_ns
        is_changed = self._viewer.turn(seen_ns)
        self._released += self._showcase.release_stalled(now_ns)
        is_listed = self._scout.turn(now_ns)
        self._viewer.console.listed = self._scout.listed
        if is_listed or inputs.keys() & {"scene", "stats", "desk"}:
            self._tell(now_ns)
        watched, views = self._showcase.viewers, self._showcase.views
        if watched and (is_changed or watched > self._watched or not views <= self._views):
            self._show(views)
        self._watched, self._views = watched, views
        self._trace(now_ns, inputs)
        self._finished = self._viewer.ended
        wishes = self._wishes.due(now_ns, self._wanted(views))
        asked: list[tuple[str, Message]] = [("control", one) for one in (*self._asked(), *wishes)]
        return asked + self._captured(now_ns, inputs)

    @property
    def finished(self) -> bool:
        """True after the end of pictures and scenes."""
        return self._finished

    def close(self) -> None:
        """Stop serving."""
        self._scout.close()
        if self._server is not None:
            self._server.close()
            self._server = None

    def stats(self) -> Mapping[str, float]:
        """Who watches, listens, was let go; how early pictures leave; how they fit the sound."""
        return {
            "viewers": self._showcase.viewers,
            "listeners": self._showcase.listeners,
            "stalled_viewers": self._released,
            "ahead_ms": self._showcase.ahead_ns / NS_PER_MS,
            **self._viewer.stats(),
            **({} if self._server is None else self._server.stats()),
            **({} if self._stand is None else self._stand.stats()),
        }

    def _captured(self, now_ns: int, inputs: Inputs) -> list[tuple[str, Message]]:
        if self._stand is None:
            return []
        for message in inputs.get("monitor", ()):
            if isinstance(message, Streams):
                self._stand.expect(message.rate_hz)
        self._stand.release_silent(now_ns)
        return [("captured", message) for message in self._stand.taken()]

    def _play(self, inputs: Inputs) -> None:
        if not self._showcase.listeners:
            self._mix.reset()
            return
        for message in inputs.get("monitor", ()):
            packet = self._mix.feed(message)
            if packet is not None:
                self._showcase.play(packet)

    def _tell(self, now_ns: int) -> None:
        scene = self._viewer.newest_scene
        state = {
            "objects": [] if scene is None else plain_objects(scene),
            "numbers": plain_numbers(self._viewer.hud),
            "lookahead_ms": self._viewer.lookahead_ms,
            "positions_ms": self._positions_ms,
            **self._viewer.console.plain(now_ns),
            "looked": self._scout.answers,
            "capture": None if self._stand is None else {"is_taken": self._stand.is_taken},
        }
        self._showcase.tell(json.dumps(state, allow_nan=False))

    def _wanted(self, views: frozenset[View]) -> set[Wish]:
        wanted: set[Wish] = {wish for view in views for wish in NEEDS[view]}
        if self._showcase.followers:
            wanted.add("objects")
        if self._showcase.listeners:
            wanted.add("streams")
        return wanted

    def _trace(self, now_ns: int, inputs: Inputs) -> None:
        """Send columns of spectrograms when they are heard."""
        if not self._showcase.followers:
            self._spectra.clear()
            return
        for message in inputs.get("spectra", ()):
            if isinstance(message, ObjectSpectra):
                self._spectra.append(message)
        due_ns = self._viewer.due_ns(now_ns)
        while self._spectra and self._spectra[0].capture_ns <= due_ns:
            self._showcase.trace(spectra_packet(self._spectra.popleft()))

    def _show(self, views: frozenset[View]) -> None:
        frame = self._viewer.shown
        if frame is None:
            return
        height, width = frame.pixels.shape[:2]
        pixels = resized(frame.pixels, *sent_size(width, height))
        number = self._showcase.picture_number + 1
        pictures = {}
        for view in views:
            jpeg = to_jpeg(self._viewer.picture(view, pixels), _JPEG_QUALITY)
            pictures[view] = picture_packet(number, frame.capture_ns, jpeg)
        self._showcase.show(pictures)

    def _ask(self, seat: Seat, body: str | bytes) -> None:
        """Take a request, from any of the server's threads; raises RequestError."""
        try:
            asked = parse_request(body, self._stream, next(self._numbers))
            if isinstance(asked, Seen):
                self._showcase.seen(seat, asked.number)
            elif isinstance(asked, Listen):
                self._showcase.listen(seat, wants=asked.wants)
            elif isinstance(asked, Look):
                self._showcase.look(seat, asked.view)
            elif isinstance(asked, Follow):
                self._showcase.follow(seat, wants=asked.wants)
            elif isinstance(asked, ListParts):
                self._scout.ask()
            elif isinstance(asked, Chosen):
                self._put(self._choice(asked))
            else:
                self._put(asked)
        except RequestError as error:
            self._showcase.answer(seat, json.dumps({"refused": str(error)}))
            raise

    def _choice(self, asked: Chosen) -> Choice:
        """Nothing may be named that was not offered: who asks could be anybody."""
        if asked.name not in self._viewer.console.offered(asked.part):
            raise RequestError(f"there is no {asked.part} of this name to choose")
        number = next(self._numbers)
        return Choice(stream=self._stream, sequence=number, part=asked.part, name=asked.name)

    def _put(self, control: Message) -> None:
        try:
            self._requests.put_nowait(control)
        except Full:
            raise RequestError("too many requests at once") from None

    def _asked(self) -> list[Message]:
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
