"""What of a photograph is the instrument, and what of it to paste into a scene."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pixelplayer.metrics import Box

SURE, NOT_SHOWN = 128, 38  # of 255: evidence from here on is the instrument, below is other things


@dataclass(frozen=True)
class Figure:
    """All (h, w) uint8, 0..255: ``sure`` where the instrument is, ``pasted`` how much is pasted.

    ``doubt`` is where nobody knows; what is neither sure nor in doubt is something else.
    """

    sure: np.ndarray
    pasted: np.ndarray
    doubt: np.ndarray


def has_plain_ground(picture: np.ndarray) -> bool:
    """Whether the border of a picture (h, w, 3) is nearly of one colour."""
    border = _border(picture)
    near = np.abs(border.astype(np.int16) - np.median(border, axis=0)).max(axis=1) < 25
    return bool(near.mean() > 0.8)


def figure_of(picture: np.ndarray, evidence: np.ndarray | None, *, keep_ground: bool) -> Figure:
    """Of a photograph (h, w, 3) uint8 whose class was found as ``evidence`` (h, w) uint8 says.

    On a plain ground the instrument is what differs from it. Elsewhere it is where the evidence
    is; without any, the middle of the picture, since photographers aim, and all of it is pasted.
    """
    height, width = picture.shape[:2]
    everything = np.full((height, width), 255, np.uint8)
    if has_plain_ground(picture):
        ground = np.median(_border(picture), axis=0).astype(np.int16)
        differs = np.abs(picture.astype(np.int16) - ground).max(axis=2) > 28
        sure = cv2.morphologyEx(
            differs.astype(np.uint8) * 255, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)
        )
        doubt = cv2.dilate(sure, np.ones((3, 3), np.uint8))
        return Figure(sure=sure, pasted=everything if keep_ground else _soft(doubt), doubt=doubt)
    if evidence is None:
        sure = np.zeros((height, width), np.uint8)
        sure[height // 6 : -height // 6, width // 6 : -width // 6] = 255
        return Figure(sure=sure, pasted=everything, doubt=everything)
    sure = np.where(evidence >= SURE, 255, 0).astype(np.uint8)
    doubt = np.where(evidence >= NOT_SHOWN, 255, 0).astype(np.uint8)
    if keep_ground:
        return Figure(sure=sure, pasted=everything, doubt=doubt)
    return Figure(sure=sure, pasted=_soft(sure), doubt=np.asarray(_soft(sure) & doubt, np.uint8))


def box_around(shape: np.ndarray) -> Box | None:
    """The smallest box around what is set of ``shape`` (h, w) bool, in fractions; None: nothing."""
    rows, columns = (np.flatnonzero(shape.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    height, width = shape.shape
    return (
        float(columns[0] / width),
        float(rows[0] / height),
        float((columns[-1] + 1) / width),
        float((rows[-1] + 1) / height),
    )


def _soft(shape: np.ndarray) -> np.ndarray:
    """``shape`` (h, w) uint8 with edges that do not look cut out."""
    return np.asarray(cv2.GaussianBlur(shape, (3, 3), 0), np.uint8)


def _border(picture: np.ndarray) -> np.ndarray:
    """The pixels (n, 3) along the edges."""
    edges = (picture[:4], picture[:, :4], picture[-4:], picture[:, -4:])
    return np.concatenate([edge.reshape(-1, 3) for edge in edges])
