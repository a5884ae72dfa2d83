"""What travels only while a viewer wants to see it: spectrograms, of objects and of pixels.

The rules are those of :mod:`realtime.messages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from realtime.checks import MessageError, check_array, check_at_least, check_ids, check_integer
from realtime.messages import Message, Uint8

Wish: TypeAlias = Literal["objects", "pixels"]
WISH_S = 3.0  # a wish that was not said again for so long is over


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Show(Message):
    """What a viewer wants to see, on topic ``control``: the spectra of these.

    It is said again every second. Nobody has to take it back: who has left, or has died, says it
    no more; and who takes the place of another is told as soon.
    """

    spectra: tuple[Wish, ...]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if not isinstance(self.spectra, tuple) or not set(self.spectra) <= set(get_args(Wish)):
            raise MessageError(f"Show.spectra: wanted some of {get_args(Wish)}")


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
