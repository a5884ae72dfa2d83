"""Instruments as people handle them: turned, held, in other wood, or too near to be seen whole."""

from __future__ import annotations

import cv2
import numpy as np

from training.figures import Figure


def variation(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Mirrored half the time, cropped by up to a fifth, slightly turned."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    side = picture.shape[0]
    scale, angle = rng.uniform(1.0, 1.25), rng.normal(0, 6)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale)
    matrix[:, 2] += rng.uniform(-0.08, 0.08, 2) * side
    border = cv2.BORDER_REPLICATE
    return cv2.warpAffine(np.ascontiguousarray(picture), matrix, (side, side), borderMode=border)


def taken_up(
    picture: np.ndarray, figure: Figure, rng: np.random.Generator
) -> tuple[np.ndarray, Figure]:
    """As somebody may hold it: turned, where it can be told from its ground, and in other wood.

    Or so near that only a part of it is seen.
    """
    if rng.random() < 0.35:
        tint = np.exp(rng.normal(0, 0.2, 3) + rng.normal(0, 0.3))
        bent = (picture / 255.0) ** np.exp(rng.uniform(-0.7, 0.7))
        picture = np.asarray(np.clip(bent * tint * 255, 0, 255), np.uint8)
    if rng.random() < 0.2:
        return _close_up(picture, figure, rng)
    if figure.doubt.min() == 255 or rng.random() > 0.35:
        return picture, figure
    height, width = picture.shape[:2]
    angle = rng.normal(0, 45)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, rng.uniform(0.75, 1.0))

    def turned(field: np.ndarray, border: int) -> np.ndarray:
        return cv2.warpAffine(field, matrix, (width, height), borderMode=border)

    return turned(picture, cv2.BORDER_REPLICATE), Figure(
        sure=turned(figure.sure, cv2.BORDER_CONSTANT),
        pasted=figure.pasted
        if figure.pasted.min() == 255
        else turned(figure.pasted, cv2.BORDER_CONSTANT),
        doubt=turned(figure.doubt, cv2.BORDER_CONSTANT),
    )


def _close_up(
    picture: np.ndarray, figure: Figure, rng: np.random.Generator
) -> tuple[np.ndarray, Figure]:
    """A third to two thirds of it, around some place on the instrument."""
    places = np.argwhere(figure.sure > 0)
    if not len(places):
        return picture, figure
    height, width = picture.shape[:2]
    share = rng.uniform(0.33, 0.67)
    size = np.array([height, width]) * share
    corner = places[int(rng.integers(len(places)))] - size * rng.uniform(0.2, 0.8, 2)
    top, left = np.clip(corner, 0, (height, width) - size).astype(int)
    part = np.s_[top : top + int(size[0]), left : left + int(size[1])]

    def enlarged(field: np.ndarray, how: int) -> np.ndarray:
        return cv2.resize(field[part], (width, height), interpolation=how)

    return enlarged(picture, cv2.INTER_CUBIC), Figure(
        sure=enlarged(figure.sure, cv2.INTER_NEAREST),
        pasted=enlarged(figure.pasted, cv2.INTER_LINEAR),
        doubt=enlarged(figure.doubt, cv2.INTER_LINEAR),
    )


def in_front(box_size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where something hides a part of a box (width, height): a hand, a sleeve, a stand.

    Returns:
        (height, width) uint8, 255 there, with soft edges: one or two blobs of a sixth to half of
        the box's length.
    """
    width, height = box_size
    where = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        length = rng.uniform(0.16, 0.5) * max(width, height)
        axes = (int(length / 2) + 1, int(length * rng.uniform(0.2, 0.5)) + 1)
        middle = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.ellipse(where, middle, axes, float(rng.uniform(0, 180)), 0, 360, (255,), -1)
    return np.asarray(cv2.GaussianBlur(where, (3, 3), 0), np.uint8)
