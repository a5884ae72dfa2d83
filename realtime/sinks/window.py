"""The window: shows the scene when its sound is heard, and tells what the user asks for."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from realtime.clock import NS_PER_S
from realtime.errors import DeviceError
from realtime.messages import Message
from realtime.picture import ViewWindow
from realtime.scout import NoLooking, Scout
from realtime.sinks.hand import Hand
from realtime.sinks.keys import Commands
from realtime.sinks.layout import Layout, lay_out, natural_size
from realtime.sinks.marks import Marks, draw_drag
from realtime.sinks.next_device import NextDevice
from realtime.sinks.screen_size import screen_size, within
from realtime.sinks.viewer import Viewer
from realtime.sinks.views import NEEDS
from realtime.sinks.wishes import Wishes
from realtime.stage import Inputs, Outputs

TITLE = "PixelPlayer"
_PROBE_TIMEOUT_S = 30.0
_PROBE = "import cv2, sys; cv2.namedWindow('probe'); print(flush=True); sys.stdin.read()"
_USUAL_PICTURE = (1280, 720)
_AGAIN_NS = NS_PER_S  # a window that is just being mapped may lose what is drawn, and stay grey


@contextmanager
def working_display() -> Iterator[None]:
    """See that a window can be opened, in a process of its own: OpenCV ends one that cannot.

    That process keeps its window until the block ends. A bare X server forgets everything when its
    only client leaves, also what the next one is just opening.

    Raises:
        DeviceError: there is no display that works.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise DeviceError("there is no display (DISPLAY is not set); use --view web")
    probe = subprocess.Popen(
        [sys.executable, "-c", _PROBE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert probe.stdout is not None
    answer = probe.stdout.fileno()
    try:
        if not select.select([answer], [], [], _PROBE_TIMEOUT_S)[0]:
            raise DeviceError(f"the display {name} does not answer; use --view web")
        if not os.read(answer, 1):
            raise DeviceError(f"no window can be opened on the display {name}; use --view web")
        yield
    finally:
        probe.kill()
        probe.communicate()


class Window:
    """Stage: reads `video`, `scene`, `spectra` and `stats`, writes `control`.

    Needs the main thread.
    """

    def __init__(
        self,
        stream: str,
        engines: Mapping[str, str],
        positions_ms: Sequence[float] = (),
        scout: Scout | None = None,
    ) -> None:
        """`engines` maps each network to backend/precision, for the status line.

        `positions_ms` are the lookaheads that the dial can be turned to; none: it cannot be turned.
        `scout` finds what devices there are to choose from.
        """
        self._viewer = Viewer(engines)
        self._marks = Marks(self._viewer.console)
        self._next = NextDevice(stream, self._viewer.console, scout or Scout(NoLooking()))
        self._commands = Commands(stream, positions_ms)
        self._hand = Hand()
        self._wishes = Wishes(stream)
        self._window: ViewWindow | None = None
        self._layout = lay_out(*natural_size(*_USUAL_PICTURE), *_USUAL_PICTURE)
        self._is_drawn = False
        self._drawn_ns = 0
        self._finished = False

    def open(self) -> None:
        """Open the window.

        Raises:
            DeviceError: there is no display, or OpenCV was built without windows.
        """
        with working_display():
            size = within((self._layout.width, self._layout.height), screen_size(os.environ))
            try:
                self._window = ViewWindow(TITLE, *size)
            except OSError:
                raise DeviceError(
                    "this build of OpenCV shows no windows; use --view web, or install it with: "
                    f"{sys.executable} -m pip install opencv-python"
                ) from None

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Show what is due; emit what the user asked for."""
        window = self._window
        if window is None or self._finished:
            return ()
        self._viewer.take(inputs)
        if "stats" in inputs:
            self._commands.lookahead_ms = self._viewer.lookahead_ms
        layout = self._current_layout(window)
        is_changed = self._viewer.turn(now_ns) or layout != self._layout
        self._layout = layout
        self._marks.turn(now_ns)
        if is_changed or not self._is_drawn or now_ns - self._drawn_ns >= _AGAIN_NS:
            commands = self._commands
            set_gains = commands.set_gains(self._viewer.newest_scene)
            shown = self._viewer.draw(layout, commands.selected, commands.view, set_gains)
            self._marks.draw(shown, layout, now_ns)
            if (drags := self._hand.drags) is not None:
                draw_drag(shown, layout, *drags)
            window.show(shown)
            self._is_drawn, self._drawn_ns = True, now_ns
        view = self._commands.view
        controls = [*self._listen(window), *self._next.turn(now_ns)]
        if controls or self._commands.view != view:
            self._is_drawn = False
        if not window.is_open:
            controls = [*controls, self._commands.quit()]
        self._finished = self._viewer.ended or not window.is_open
        wishes = self._wishes.due(now_ns, NEEDS[self._commands.view])
        return [("control", asked) for asked in (*controls, *wishes)]

    @property
    def finished(self) -> bool:
        """True after the end of pictures and scenes, or when the user has closed the window."""
        return self._finished

    def close(self) -> None:
        """Take the window off the screen."""
        if self._window is not None:
            self._window.close()
            self._window = None
        self._next.close()

    def stats(self) -> Mapping[str, float]:
        """How picture and sound fit together."""
        return self._viewer.stats()

    def _current_layout(self, window: ViewWindow) -> Layout:
        size = window.size or (self._layout.width, self._layout.height)
        return lay_out(*size, *(self._viewer.picture_size or _USUAL_PICTURE))

    def _listen(self, window: ViewWindow) -> list[Message]:
        key = window.take_key()
        scene = self._viewer.newest_scene
        controls: list[Message] = []
        for gesture in self._hand.turn(window.take_mouse()):
            controls += self._commands.obey(gesture, scene, self._layout)
        self._next.key(key)
        if key != -1:
            controls += self._commands.key(key, scene, self._layout, window.pointer)
        return controls
