"""Instruments in the hands of somebody: drawn people hold what photographs show lying or hanging.

Most photographs of guitars show nobody. What a camera sees of a guitar that is played is turned,
half behind an arm, in front of clothes and below a face; to eyes that know it from a stand it is
something else. The people here are crude, but what they hide and what they add is in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.figures import Figure

Point = np.ndarray  # (2,) x, y in pixels

_TONES = np.array([(236, 200, 176), (222, 178, 144), (190, 138, 104), (142, 96, 68), (92, 62, 46)])
_TURN_DEGREES = 65.0  # mostly, of what hung or stood upright: its neck points sideways and up


@dataclass(frozen=True)
class _Person:
    """Somebody's colours, and where the shoulders are."""

    skin: np.ndarray
    cloth: np.ndarray
    shoulders: tuple[Point, Point]
    limb_px: int
    sleeve: float  # share of an arm that is covered


def played(
    picture: np.ndarray, figure: Figure, rng: np.random.Generator
) -> tuple[np.ndarray, Figure]:
    """Somebody playing the instrument of a photograph.

    Args:
        picture: (h, w, 3) uint8 RGB.
        figure: what of it is the instrument, cut out: ``pasted`` is less than everything.

    Returns:
        A picture of the same size, and what in it is the instrument; ``pasted`` is the player too.
    """
    height, width = picture.shape[:2]
    matrix, inverse_middle = _grip(figure, rng)
    size = (width, height)
    turned = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    sure = cv2.warpAffine(figure.sure, matrix, size, flags=cv2.INTER_NEAREST)
    pasted, doubt = (cv2.warpAffine(field, matrix, size) for field in (figure.pasted, figure.doubt))

    person = _person(inverse_middle, size, rng)
    canvas = np.zeros((height, width, 3), np.uint8)
    body = np.zeros((height, width), np.uint8)
    _trunk(canvas, body, person, rng)
    alpha = (pasted[..., None] / 255.0).astype(np.float32)
    canvas = (turned * alpha + canvas * (1 - alpha)).astype(np.uint8)
    arms = _arms(canvas, sure, person, rng)
    canvas = _shaded(canvas, rng)

    hidden = arms > 127
    return canvas, Figure(
        sure=np.where(hidden, 0, sure).astype(np.uint8),
        pasted=np.maximum(np.maximum(pasted, body), arms),
        # What was in doubt beside the instrument is the player's clothes now, or still in doubt.
        doubt=np.where(hidden, 0, doubt).astype(np.uint8),
    )


def _grip(figure: Figure, rng: np.random.Generator) -> tuple[np.ndarray, Point]:
    """How the instrument is turned, shrunk and moved, and where its middle comes to lie."""
    height, width = figure.sure.shape
    places = np.argwhere(figure.sure > 0)
    middle = places.mean(axis=0)[::-1] if len(places) else np.array([width / 2, height / 2])
    angle = rng.choice([-1, 1]) * rng.normal(_TURN_DEGREES, 25) if rng.random() < 0.8 else 0.0
    matrix = cv2.getRotationMatrix2D(tuple(middle), float(angle), rng.uniform(0.6, 0.95))
    target = np.array([width * rng.uniform(0.4, 0.6), height * rng.uniform(0.5, 0.75)])
    matrix[:, 2] += target - middle
    return matrix, target


def _person(middle: Point, size: tuple[int, int], rng: np.random.Generator) -> _Person:
    width, height = size
    reach = width * rng.uniform(0.14, 0.24)
    neck = np.array([middle[0] + rng.normal(0, 0.05) * width, height * rng.uniform(0.22, 0.4)])
    slope = rng.normal(0, 0.06) * height
    cloth = rng.uniform(0, 255, 3)
    cloth = (cloth.mean() + (cloth - cloth.mean()) * rng.uniform(0, 1)) * rng.uniform(0.1, 1.0)
    return _Person(
        skin=_TONES[int(rng.integers(len(_TONES)))] * rng.uniform(0.8, 1.1),
        cloth=cloth,
        shoulders=(neck + _point(-reach, slope), neck + _point(reach, -slope)),
        limb_px=int(width * rng.uniform(0.07, 0.13)),
        sleeve=float(rng.choice([0.35, 1.0])),
    )


def _trunk(canvas: np.ndarray, body: np.ndarray, person: _Person, rng: np.random.Generator) -> None:
    """Clothes and a head, drawn into ``canvas``; where they are, into ``body``."""
    height, width = body.shape
    left, right = person.shoulders
    spread = width * rng.uniform(0.02, 0.12)
    corners = [left, right, [right[0] + spread, height + 5], [left[0] - spread, height + 5]]
    trunk = np.array(corners, np.int32)
    for picture, colour in ((canvas, _colour(person.cloth)), (body, (255,))):
        cv2.fillConvexPoly(picture, trunk, colour, cv2.LINE_AA)
        cv2.polylines(picture, [trunk], True, colour, person.limb_px, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 12))):  # folds, stripes
        start = trunk[0] + rng.uniform(0, 1, 2) * (trunk[2] - trunk[0])
        stop = start + rng.normal(0, 0.2, 2) * width
        shade = _colour(person.cloth * rng.uniform(0.5, 1.5))
        cv2.line(canvas, _at(start), _at(stop), shade, int(rng.integers(1, 6)), cv2.LINE_AA)
    middle = (left + right) / 2
    axes = np.array([1.0, rng.uniform(1.2, 1.45)]) * width * rng.uniform(0.08, 0.12)
    head = middle - _point(rng.normal(0, 0.02) * width, axes[1] + person.limb_px * 0.7)
    hair = _colour(rng.uniform(10, 200, 3) * rng.uniform(0.2, 1))
    tilt = float(rng.normal(0, 12))
    for picture in (canvas, body):
        is_body = picture is body
        skin = (255,) if is_body else _colour(person.skin)
        cv2.line(picture, _at(middle), _at(head), skin, max(person.limb_px // 2, 2))
        cv2.ellipse(
            picture, _at(head), _at(axes * 1.12), tilt, 0, 360, (255,) if is_body else hair, -1
        )
        cv2.ellipse(
            picture, _at(head + _point(0, 0.25 * axes[1])), _at(axes * 0.95), tilt, 0, 360, skin, -1
        )
    dark = _colour(person.skin * 0.35)
    for side in (-0.4, 0.4):  # eyes, or glasses
        eye = _at(head + _point(side * axes[0], 0.05 * axes[1]))
        cv2.circle(canvas, eye, max(int(axes[0] * 0.16), 1), dark, int(rng.choice([-1, 1])))
    mouth = _at(head + _point(0, 0.65 * axes[1]))
    cv2.ellipse(canvas, mouth, _at(axes * _point(0.35, 0.1)), tilt, 0, 360, dark, -1)


def _arms(
    canvas: np.ndarray, sure: np.ndarray, person: _Person, rng: np.random.Generator
) -> np.ndarray:
    """Both arms, drawn over the instrument; (h, w) uint8, 255 where they are.

    One hand is on the instrument's body, the other further out.
    """
    where = np.zeros(sure.shape, np.uint8)
    places = np.argwhere(sure > 0)[:, ::-1]
    if not len(places):
        return where
    middle = places.mean(axis=0)
    away = np.linalg.norm(places - middle, axis=1)
    near, far = (places[np.abs(away - np.quantile(away, q)).argmin()] for q in (0.2, 0.93))
    is_right_far = far[0] > middle[0]
    left, right = person.shoulders
    hands = ((left, near), (right, far)) if is_right_far else ((right, near), (left, far))
    for shoulder, hand in hands:
        outwards = np.sign(shoulder[0] - middle[0]) * rng.uniform(0.02, 0.2) * sure.shape[1]
        elbow = (shoulder + hand) / 2 + _point(outwards, rng.uniform(0.05, 0.22) * sure.shape[0])
        _arm(canvas, where, (shoulder, elbow, hand + rng.normal(0, 3, 2)), person, rng)
    return where


def _arm(
    canvas: np.ndarray,
    where: np.ndarray,
    joints: tuple[Point, Point, Point],
    person: _Person,
    rng: np.random.Generator,
) -> None:
    shoulder, elbow, hand = joints
    thick = person.limb_px
    thin = max(int(thick * rng.uniform(0.55, 0.8)), 2)
    cuff = elbow + (hand - elbow) * max(person.sleeve - 0.15, 0.0)
    for picture, cloth, skin in (
        (canvas, _colour(person.cloth * rng.uniform(0.75, 1.2)), _colour(person.skin)),
        (where, (255,), (255,)),
    ):
        cv2.line(picture, _at(elbow), _at(hand), skin, thin, cv2.LINE_AA)
        cv2.ellipse(
            picture,
            _at(hand),
            (max(int(thin * 0.8), 2), max(int(thin * 0.55), 2)),
            30,
            0,
            360,
            skin,
            -1,
        )
        cv2.line(picture, _at(shoulder), _at(elbow), cloth, thick, cv2.LINE_AA)
        if person.sleeve > 0.5:
            cv2.line(picture, _at(elbow), _at(cuff), cloth, int(thick * 0.9), cv2.LINE_AA)
    for _ in range(4):
        finger = hand + rng.normal(0, thin * 0.6, 2)
        for picture, skin in ((canvas, _colour(person.skin * 0.9)), (where, (255,))):
            cv2.line(picture, _at(hand), _at(finger), skin, max(thin // 4, 1), cv2.LINE_AA)


def _shaded(canvas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """In light that falls from somewhere, and not quite sharp."""
    height, width = canvas.shape[:2]
    corners = rng.uniform(0.55, 1.25, (2, 2)).astype(np.float32)
    light = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    lit = np.clip(canvas * light, 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(lit, (0, 0), float(rng.uniform(0.3, 1.0))), np.uint8)


def _point(x: float, y: float) -> Point:
    return np.array([x, y])


def _at(point: np.ndarray) -> tuple[int, int]:
    return int(point[0]), int(point[1])


def _colour(values: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in np.clip(values, 0, 255))
