"""The built-in duet: picture and sound with no hardware and no file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pixelplayer.band import Scene, demo_scene
from realtime.clock import NS_PER_S
from realtime.sources.pacing import Pace
from realtime.sources.playback import Playback

RATE_HZ = 44_100
HEIGHT_PX = 360
WIDTH_PX = 640


class DemoSource(Playback):
    """Plays the band's duet over and over, without an end."""

    def __init__(self, *, stream: str, pace: Pace) -> None:
        scenes: list[Scene] = []

        def duet() -> Scene:
            if not scenes:
                scenes.append(demo_scene(RATE_HZ))
            return scenes[0]

        super().__init__(
            stream=stream,
            pace=pace,
            open_sound=lambda: LoopedSound(duet().mixture, RATE_HZ),
            open_pictures=lambda: ScenePictures(duet(), HEIGHT_PX, WIDTH_PX),
        )


class LoopedSound:
    """``samples`` (n,) float32, the first following the last."""

    def __init__(self, samples: NDArray[np.float32], rate_hz: int) -> None:
        self._samples = samples
        self._rate_hz = rate_hz
        self._position = 0

    @property
    def rate_hz(self) -> int:
        """Samples per second."""
        return self._rate_hz

    def read(self, count: int) -> NDArray[np.float32]:
        """The next ``count`` samples."""
        index = np.arange(self._position, self._position + count)
        self._position = (self._position + count) % self._samples.size
        return self._samples.take(index, mode="wrap")

    def stats(self) -> Mapping[str, float]:
        """There is nothing to count."""
        return {}

    def close(self) -> None:
        """There is nothing to give back."""


class ScenePictures:
    """The pictures of a scene at its own frame rate, without an end."""

    def __init__(self, scene: Scene, height_px: int, width_px: int) -> None:
        self._scene = scene
        self._size = (height_px, width_px)
        self._index = 0

    def peek_ns(self) -> int:
        """The position of the next picture."""
        return self._index * NS_PER_S // self._scene.fps

    def take(self) -> NDArray[np.uint8]:
        """The next picture."""
        picture = self._scene.frame(self._index / self._scene.fps, *self._size)
        self._index += 1
        return picture

    def hurry(self, late_ns: int) -> None:
        """Leave out the pictures that are over."""
        self._index += max(0, late_ns) * self._scene.fps // NS_PER_S

    def stats(self) -> Mapping[str, float]:
        """There is nothing to count."""
        return {}

    def close(self) -> None:
        """There is nothing to give back."""
