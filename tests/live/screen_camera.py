"""A camera before a screen: serves what a display without hardware shows."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

from tests.live.display import Display
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.watch_screen import HEIGHT, RATE_HZ, WIDTH

ROOT = Path(__file__).parents[2]


class ScreenCamera:
    """An :class:`MjpegCamera` whose pictures are the newest of the screen, made small."""

    def __init__(self, display: Display) -> None:
        self._newest = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self._watching = subprocess.Popen(
            [sys.executable, "-m", "tests.live.watch_screen", display.name],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._camera = MjpegCamera(lambda _: self._newest, 1 / RATE_HZ)
        self.url = self._camera.url

    def close(self) -> None:
        """Look away."""
        self._camera.close()
        self._watching.terminate()
        self._thread.join(5)
        end_process(self._watching)

    def _watch(self) -> None:
        assert self._watching.stdout is not None
        while len(data := self._watching.stdout.read(WIDTH * HEIGHT * 3)) == WIDTH * HEIGHT * 3:
            self._newest = np.frombuffer(data, np.uint8).reshape(HEIGHT, WIDTH, 3)
