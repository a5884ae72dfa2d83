"""What a stage on another host would not look at is not sent there. Pure."""

from __future__ import annotations

import dataclasses

from pixelplayer.spec import VisionSpec
from realtime import picture
from realtime.messages import Message, VideoFrame
from realtime.picks import Picks


class Lighter:
    """Of pictures, those that sight picks, in a size from which it sees the same.

    Sight halves large pictures before it does anything else (:func:`realtime.picture.shrunk`), so
    halving them here instead changes nothing.
    """

    def __init__(self, spec: VisionSpec) -> None:
        self._spec = spec
        self._picks = Picks(spec.rate_hz)

    def of(self, message: Message) -> Message | None:
        """The message, or less of it; None where it need not go."""
        if not isinstance(message, VideoFrame):
            return message
        if not self._picks.picks(message.capture_ns):
            return None
        rows, columns = self._spec.grid_for(*message.pixels.shape[:2])
        finest_px = self._spec.stride_px * 2 ** (self._spec.looks - 1)
        pixels = picture.halved(message.pixels, (rows * finest_px, columns * finest_px))
        return dataclasses.replace(message, pixels=pixels)
