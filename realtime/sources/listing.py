"""The names of the cameras, microphones, speakers and engines that there are now."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from realtime.clock import Clock
from realtime.desk import Part
from realtime.device_process import DeviceProcess
from realtime.engine_names import EngineNames
from realtime.errors import DeviceError
from realtime.portaudio import Direction, shown_names
from realtime.sources.devices import camera_names, list_cameras

_DIRECTIONS: tuple[tuple[Part, Direction], ...] = (("microphone", "input"), ("speaker", "output"))


class Lister:
    """Looks in a process of its own: PortAudio's list in this one would stay as it is."""

    def __init__(self, clock: Clock, engines: EngineNames) -> None:
        self._clock = clock
        self._engines = engines
        self._lock = Lock()  # of the process: it is closed by another thread than looks
        self._process: DeviceProcess | None = None

    def look(self) -> dict[Part, Sequence[str]]:
        """The names by part; sound devices are left out where their server does not answer."""
        engines = self._engines.now()
        found: dict[Part, Sequence[str]] = {
            "camera": [*camera_names(list_cameras()).values()],
            "vision": engines,
            "sound": engines,
        }
        try:
            devices = self._running().list()
        except DeviceError:
            self.close()
            return found
        for part, direction in _DIRECTIONS:
            usable = [one for one in devices if one.channels(direction) > 0]
            found[part] = shown_names(usable)
        return found

    def _running(self) -> DeviceProcess:
        with self._lock:
            if self._process is None or not self._process.is_running:
                self._process = DeviceProcess("output", self._clock)
            return self._process

    def close(self) -> None:
        """End the process; another is begun when it is asked again."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
