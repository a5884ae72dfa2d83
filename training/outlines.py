"""Outlines of instruments in photographs: from a blurred idea of where one is to its edges.

GrabCut (C. Rother et al., SIGGRAPH 2004) learns the colours of what has much evidence and of what
has none, and puts the border between them where the picture has an edge. A violin's evidence lies
on its belly; its outline includes the neck.
"""

from __future__ import annotations

import cv2
import numpy as np

from training.figures import NOT_SHOWN, SURE

SIDE_PX = 112  # of an outline: half a photograph's
_CERTAIN, _LIKELY, _NEVER = 165, 70, 15  # evidence, of 255, that the colours are learned from
_NEAR = 64  # what the outline adds must have at least some evidence to be sure
_ROUNDS = 4


def outlined(picture: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """The evidence, made to follow the edges of ``picture``.

    Args:
        picture: (h, w, 3) uint8 RGB.
        evidence: (side, side) uint8, as ``training.attention`` finds it.

    Returns:
        (112, 112) uint8. ``training.figures`` takes what is within the outline and has some
        evidence for the instrument, and has doubts about the rest of the outline and of the
        evidence.
    """
    size = picture.shape[1::-1]
    known = cv2.resize(evidence, size, interpolation=cv2.INTER_LINEAR)
    marks = np.full(known.shape, cv2.GC_PR_BGD, np.uint8)
    marks[known >= _LIKELY] = cv2.GC_PR_FGD
    marks[known >= _CERTAIN] = cv2.GC_FGD
    marks[known < _NEVER] = cv2.GC_BGD
    if not ((marks & 1).any() and (marks & 1 == 0).any()):
        return _small(known)
    cv2.setRNGSeed(0)
    ground, figure = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(picture[..., ::-1])
    cv2.grabCut(bgr, marks, None, ground, figure, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    within = (marks & 1) == 1  # certain and likely figure are odd
    added = np.where(known >= _NEAR, np.maximum(known, SURE), np.maximum(known, NOT_SHOWN))
    return _small(np.where(within, added, np.minimum(known, SURE - 1)).astype(np.uint8))


def without_skin(picture: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """The evidence, less sure where the picture has the colour of skin.

    For instruments of metal or black wood: what their players hold them with and to is told from
    them by its colour, mostly. Brass in warm light is not, so it is left in doubt.

    Args:
        picture: (h, w, 3) uint8 RGB.
        evidence: (side, side) uint8.
    """
    side = evidence.shape[0]
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    _, red, blue = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb))
    # D. Chai and K. N. Ngan, IEEE TCSVT 1999: skin of all people, in most light.
    skin = (red >= 133) & (red <= 173) & (blue >= 77) & (blue <= 127)
    skin = cv2.morphologyEx(skin.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0
    return np.asarray(np.where(skin, np.minimum(evidence, SURE - 1), evidence), np.uint8)


def _small(evidence: np.ndarray) -> np.ndarray:
    return np.asarray(
        cv2.resize(evidence, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8
    )
