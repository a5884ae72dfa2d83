"""A camera before a screen: serves what a display without hardware shows."""

from __future__ import annotations

import threading

import av
import numpy as np

from tests.live.display import Display
from tests.live.mjpeg import MjpegCamera

_RATE_HZ = 30
_SIDE_PX = (320, 200)


class ScreenCamera:
    """An :class:`MjpegCamera` whose pictures are the newest of the screen, made small."""

    def __init__(self, display: Display) -> None:
        self._newest = np.zeros((*_SIDE_PX[::-1], 3), np.uint8)
        self._closing = threading.Event()
        self._screen = av.open(display.name, format="x11grab", options={"framerate": str(_RATE_HZ)})
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._camera = MjpegCamera(lambda _: self._newest, 1 / _RATE_HZ)
        self.url = self._camera.url

    def close(self) -> None:
        """Look away."""
        self._camera.close()
        self._closing.set()
        self._thread.join(5)
        self._screen.close()

    def _watch(self) -> None:
        for frame in self._screen.decode(video=0):
            if self._closing.is_set():
                return
            small = frame.reformat(*_SIDE_PX, format="bgr24", interpolation="FAST_BILINEAR")
            self._newest = small.to_ndarray()
