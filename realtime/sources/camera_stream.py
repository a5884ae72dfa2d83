"""An open camera, read by a thread of its own."""

from __future__ import annotations

import threading
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S, Clock

PATIENCE_S = 2.0  # without a picture for so long a camera is taken for gone ...
SLOW_PERIODS = 4  # ... or for so many of its usual periods, if it is slow
LONGEST_PATIENCE_S = 4.5  # a read gives up after 5 s


class Pictures(Protocol):
    """What gives pictures: :class:`~realtime.picture.Capture` or a double."""

    def grab(self) -> bool:
        """Wait for the next picture; False when none comes any more."""

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The picture that was grabbed."""

    def close(self) -> None:
        """Give the camera back."""


class Newest(NamedTuple):
    """The newest picture of a camera."""

    number: int  # from 1
    capture_ns: int
    pixels: NDArray[np.uint8] | None


class CameraStream:
    """Reads on and on, because what is not read grows old inside the drivers.

    Reading may block for as long as a driver or a server likes. Who looks at ``newest`` never
    waits; a camera that is closed while it blocks is left to its thread, which gives it back.
    """

    def __init__(self, name: str, pictures: Pictures, clock: Clock) -> None:
        self.name = name
        self._pictures = pictures
        self._clock = clock
        self._fresh = threading.Event()
        self._closing = threading.Event()
        # Replaced as a whole by the thread, so that a reader sees one picture or the other.
        self.newest = Newest(0, 0, None)
        self._period_s = 0.0
        self._thread = threading.Thread(target=self._drain, name="camera", daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        try:
            while not self._closing.is_set() and self._pictures.grab():
                self._keep()
        finally:
            self._pictures.close()

    def _keep(self) -> None:
        before, capture_ns = self.newest, self._clock.now_ns()
        pixels = self._pictures.retrieve()
        if pixels is None:
            return
        if before.number:
            period_s = (capture_ns - before.capture_ns) / NS_PER_S
            self._period_s = max(period_s, 0.9 * self._period_s)
        self.newest = Newest(before.number + 1, capture_ns, pixels)
        self._fresh.set()

    def wait(self, timeout_s: float) -> Newest:
        """The newest picture; if it was there at the last call, waits for another so long."""
        if self._fresh.wait(timeout_s):
            self._fresh.clear()
        return self.newest

    @property
    def active(self) -> bool:
        """False once it gives no more and says so."""
        return self._thread.is_alive()

    @property
    def beats(self) -> int:
        """Pictures so far."""
        return self.newest.number

    @property
    def patience_s(self) -> float:
        """How long to wait for a picture."""
        return min(max(PATIENCE_S, SLOW_PERIODS * self._period_s), LONGEST_PATIENCE_S)

    def trouble(self) -> None:
        """It has none but silence."""

    def close(self) -> None:
        """Read no more; never waits."""
        self._closing.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it has given the camera back, but no longer than this."""
        self._thread.join(timeout_s)
