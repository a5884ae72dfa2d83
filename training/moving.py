"""Photographs of instruments that move a little: what a clip shows where no film was taken."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pixelplayer.metrics import Box
from training.figures import box_around
from training.handling import variation
from training.paper import FRAMES
from training.photos import SIDE_PX, Photos, instrument_in

_SOLID = 128  # of 255: where the instrument is rather than is not
_DRIFT = 0.03  # of a photograph's side: how far it moves from picture to picture


class MovingPhotos:
    """Three views of one photograph of a class, from one side of the photographs' split.

    Args:
        photos: of all classes.
        held_out: which side. What is kept out knows where instruments stand: to find it takes as
            long as all else, and nobody asks it of what is learned from.
    """

    def __init__(self, photos: Photos, *, held_out: bool) -> None:
        self._photos = photos
        self._layers = _with_instrument if held_out else _alone
        self._chosen = {
            str(label): photos.select(str(label), held_out=held_out)
            for label in np.unique(photos.labels[photos.held_out == held_out])
        }

    @property
    def labels(self) -> Sequence[str]:
        """The classes that there are photographs of, sorted."""
        return sorted(self._chosen)

    def frames(self, label: str, rng: np.random.Generator) -> tuple[np.ndarray, Box | None]:
        """``(3, 224, 224, 3)`` uint8 RGB, and where the instrument stands in the middle one."""
        seen = variation(self._layers(self._photos, int(rng.choice(self._chosen[label]))), rng)
        shown = []
        for _ in range(FRAMES):
            matrix = np.float32([[1, 0, 0], [0, 1, 0]])
            matrix[:, 2] = rng.normal(0, _DRIFT * SIDE_PX, 2)
            shown.append(
                cv2.warpAffine(seen, matrix, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
            )
        frames = np.stack(shown)
        pictures, shape = frames[..., :3], frames[FRAMES // 2, ..., 3:]
        return np.ascontiguousarray(pictures), box_around((shape >= _SOLID).any(axis=-1))


def _alone(photos: Photos, index: int) -> np.ndarray:
    picture: np.ndarray = photos.pixels[index]
    return picture


def _with_instrument(photos: Photos, index: int) -> np.ndarray:
    return np.dstack([photos.pixels[index], instrument_in(photos, index)])
