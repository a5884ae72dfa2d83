"""Pictures of players at play, out of film whose instrument was outlined by hand.

Photographs show instruments on white, and players who pose. These few clips show what a camera on
a room sees: an instrument in hands, in front of clothes, and moving.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.photos import SIDE_PX, Photos

FRAMES = 40  # of each clip
_UNSURE_PX = 7  # the player moves a little, and a hand outlines to within some pixels


@dataclass(frozen=True)
class Outline:
    """Where the instrument is throughout a clip: corners in fractions of width and height."""

    label: str
    corners: tuple[tuple[float, float], ...]


# Of the clips in the data folder that did not stand still to be a test.
OUTLINES: Mapping[str, Outline] = {
    "violin.mp4": Outline(
        "violin",
        (
            (0.375, 0.514),
            (0.469, 0.389),
            (0.677, 0.444),
            (0.865, 0.556),
            (0.844, 0.611),
            (0.656, 0.564),
            (0.396, 0.547),
        ),
    ),
    "xylo.mp4": Outline(
        "xylophone",
        ((0.234, 0.639), (0.898, 0.639), (0.977, 0.833), (0.883, 0.958), (0.312, 0.944)),
    ),
    "conga.mp4": Outline(
        "congas", ((0.22, 0.446), (0.45, 0.469), (0.688, 0.58), (0.688, 1.0), (0.23, 1.0))
    ),
}


def open_footage(folder: Path, outlines: Mapping[str, Outline] = OUTLINES) -> Photos:
    """Some frames of every outlined clip in ``folder``; clips that are not there are left out.

    All of them are to learn from: frames of one clip are too much alike to be held out.
    """
    pixels, labels, names = [], [], []
    evidence = {}
    for name, outline in outlines.items():
        where = _drawn(outline)
        for number, frame in enumerate(_frames(folder / name)):
            pixels.append(frame)
            labels.append(outline.label)
            names.append(f"{outline.label}/{name}-{number}")
            evidence[names[-1]] = where
    return Photos(
        pixels=np.array(pixels, np.uint8).reshape(-1, SIDE_PX, SIDE_PX, 3),
        labels=np.array(labels, str),
        names=np.array(names, str),
        held_out=np.zeros(len(names), bool),
        evidence=evidence,
    )


def _drawn(outline: Outline) -> np.ndarray:
    """(224, 224) uint8, 255 within and 0 well without, as ``training.attention`` writes it."""
    corners = np.round(np.array(outline.corners) * SIDE_PX).astype(np.int32)
    where = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    cv2.fillPoly(where, [corners], (255,))
    return cv2.GaussianBlur(where, (0, 0), _UNSURE_PX)


def _frames(clip: Path) -> list[np.ndarray]:
    """Up to 40 frames (224, 224, 3) uint8 RGB, evenly spread; none where it cannot be read."""
    film = cv2.VideoCapture(str(clip))
    try:
        count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        wanted = set(np.linspace(0, max(count - 1, 0), FRAMES).astype(int).tolist())
        frames = []
        for number in range(count):
            is_read, frame = film.read()
            if is_read and number in wanted:
                small = cv2.resize(frame, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
                frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        return frames
    finally:
        film.release()
