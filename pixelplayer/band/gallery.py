"""Pictures that were painted once and are shown many times."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from pixelplayer.band.canvas import Picture


class Gallery:
    """Keeps pictures by key, at most ``limit_bytes`` of them; the oldest go first."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._pictures: dict[Hashable, Picture] = {}

    def show(self, key: Hashable, paint: Callable[[], Picture]) -> Picture:
        """The picture of ``key``, painted now if it is not held. It must not be written to."""
        picture = self._pictures.get(key)
        if picture is None:
            picture = paint()
            picture.flags.writeable = False
            self._pictures[key] = picture
            self._held_bytes += picture.nbytes
            while self._held_bytes > self._limit_bytes and len(self._pictures) > 1:
                oldest = next(iter(self._pictures))
                self._held_bytes -= self._pictures.pop(oldest).nbytes
        return picture
