"""Spectrograms on topic ``spectra``, of objects and of pixels: sent only while they are wished for.

The rules are those of :mod:`realtime.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from realtime.checks import check_array, check_at_least, check_ids, check_integer
from realtime.messages import Message, Uint8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ObjectSpectra(Message):
    """Columns of the mixture's log-frequency spectrogram, and each object's share of it: its mask.

    ``levels`` uint8 (B, w) are those of ``pixelplayer.bands``; ``shares`` uint8 (N + 1, B, w), 255
    for all of it, have a row per object and the residual's last. ``capture_ns`` is the centre of
    the first column, the others follow ``column_ns`` apart.
    """

    capture_ns: int
    column_ns: int
    object_ids: tuple[int, ...]
    levels: Uint8
    shares: Uint8

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 1, "column_ns")
        check_ids(self, "object_ids", 1)
        check_array(self, "levels", np.uint8, (None, None))
        check_array(self, "shares", np.uint8, (len(self.object_ids) + 1, *self.levels.shape))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PixelSpectra(Message):
    """What each pixel of the grid sounds: ``levels`` uint8 (h, w, B) as ``pixelplayer.bands`` has.

    It stands for the ``duration_ns`` from ``capture_ns`` on. ``shot`` counts the cuts before it:
    behind a cut a pixel is another one.
    """

    capture_ns: int
    duration_ns: int
    shot: int
    levels: Uint8

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 1, "duration_ns")
        check_at_least(self, 0, "shot")
        check_array(self, "levels", np.uint8, (None, None, None))
