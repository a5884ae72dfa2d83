"""When a recorded sound or picture is let out, and which instant it is said to come from."""

from __future__ import annotations

import threading
from typing import Protocol

from realtime.clock import NS_PER_S, Clock

LONGEST_WAIT_S = 0.020  # a source may block no longer in one step


class Pace(Protocol):
    """Maps the position in a recording onto the time of the run."""

    @property
    def chunks_per_s(self) -> int:
        """In how many pieces a second of sound is let out."""

    def capture_ns(self, media_ns: int) -> int:
        """The instant that position ``media_ns`` of the recording stands for."""

    def due_ns(self) -> int | None:
        """Up to which position the recording has been "played" by now; None = all of it."""

    def wait(self, media_ns: int) -> None:
        """Wait until ``media_ns`` is due, but not longer than ``LONGEST_WAIT_S``."""


class FastPace:
    """As quick as the consumers take it; the time of the run is the position in the recording.

    Nobody waits for sound: it comes in long pieces, of which less is told from stage to stage.
    """

    @property
    def chunks_per_s(self) -> int:
        """Two steps of the separator, and three pictures, to each."""
        return 10

    def capture_ns(self, media_ns: int) -> int:
        """``media_ns`` itself."""
        return media_ns

    def due_ns(self) -> int | None:
        """Everything is due at once."""
        return None

    def wait(self, media_ns: int) -> None:
        """There is nothing to wait for."""


class RealtimePace:
    """Position 0 is the instant at which the pace is first asked anything.

    Sources that share one pace stay together, in different threads too.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin_ns: int | None = None
        self._lock = threading.Lock()

    @property
    def chunks_per_s(self) -> int:
        """As from a microphone."""
        return 100

    def capture_ns(self, media_ns: int) -> int:
        """Origin + ``media_ns``: exact, whenever it is really let out."""
        return self._origin() + media_ns

    def due_ns(self) -> int | None:
        """The time since the origin."""
        origin_ns = self._origin()
        return self._clock.now_ns() - origin_ns

    def wait(self, media_ns: int) -> None:
        """Sleep on the clock."""
        rest_s = (self.capture_ns(media_ns) - self._clock.now_ns()) / NS_PER_S
        self._clock.sleep_s(min(rest_s, LONGEST_WAIT_S))

    def _origin(self) -> int:
        with self._lock:
            if self._origin_ns is None:
                self._origin_ns = self._clock.now_ns()
            return self._origin_ns
