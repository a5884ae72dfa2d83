"""A browser as camera and microphone: what its page takes comes by way of the web viewer."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from realtime.clock import Clock
from realtime.messages import CapturedPicture, CapturedSound, Message, VideoFrame
from realtime.picture import from_jpeg, jpeg_size, resized
from realtime.sources.arriving import ArrivingSound
from realtime.sources.size import LONGEST_SIDE_PX, reduced
from realtime.stage import Inputs, Outputs

WAIT_S = 0.004
MOST_PIXELS = 1 << 22  # of a picture, before it is made

_log = logging.getLogger(__name__)


class BrowserSource:
    """Emits :class:`VideoFrame` and :class:`AudioChunk` of whichever browser is the source.

    Nothing comes before the first one does. Pictures: the newest of those that wait, the others are
    counted. Sound: see :class:`ArrivingSound`.
    """

    def __init__(
        self, *, stream: str, clock: Clock, longest_side_px: int = LONGEST_SIDE_PX
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._longest_side_px = longest_side_px
        self._sound = ArrivingSound(stream)
        self._sequence = 0
        self._visit = 0
        self._was_away = False
        self._visits = self._passed = self._damaged = 0

    def open(self) -> None:
        """There is nothing to open: browsers come when they come."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What has come, and the silence of who is gone; where nothing has, waits a little."""
        captured = inputs.get("captured", ())
        if not captured:
            self._clock.sleep_s(WAIT_S)
        self._greet(captured)
        outputs: list[tuple[str, Message]] = []
        for message in captured:
            if isinstance(message, CapturedSound):
                outputs += [("audio", one) for one in self._sound.feed(now_ns, message)]
        outputs += [("audio", one) for one in self._sound.missed(now_ns)]
        pictures = [message for message in captured if isinstance(message, CapturedPicture)]
        self._passed += max(len(pictures) - 1, 0)
        frame = self._frame(pictures[-1]) if pictures else None
        self._tell_loss()
        return outputs if frame is None else [*outputs, ("video", frame)]

    def _greet(self, captured: Sequence[Message]) -> None:
        for message in captured:
            if isinstance(message, CapturedPicture | CapturedSound) and message.visit > self._visit:
                self._visit = message.visit
                self._visits += 1
                again = "a browser" if self._visits == 1 else "a browser again"
                _log.warning("%s is camera and microphone", again)

    def _tell_loss(self) -> None:
        if self._sound.is_away and not self._was_away:
            _log.warning("nothing is heard from the browser; all else goes on, waiting for one")
        self._was_away = self._sound.is_away

    def _frame(self, picture: CapturedPicture) -> VideoFrame | None:
        data = np.asarray(picture.jpeg).tobytes()
        height, width = jpeg_size(data)
        pixels = from_jpeg(data) if 0 < height * width <= MOST_PIXELS else None
        if pixels is None or pixels.shape != (height, width, 3):
            self._damaged += 1
            return None
        size = reduced(width, height, self._longest_side_px)
        self._sequence += 1
        return VideoFrame(
            stream=self._stream,
            sequence=self._sequence - 1,
            capture_ns=picture.capture_ns,
            pixels=resized(pixels, *size),
        )

    @property
    def finished(self) -> bool:
        """Browsers come and go; there is no end of its own."""
        return False

    def close(self) -> None:
        """There is nothing to give back."""

    def stats(self) -> Mapping[str, float]:
        """Who came, and what was lost."""
        return {
            **self._sound.stats(),
            "browsers": self._visits,
            "passed_pictures": self._passed,
            "damaged_pictures": self._damaged,
        }
