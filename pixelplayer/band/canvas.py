"""Anti-aliased drawing on a transparent square: the only module of the band that uses OpenCV.

Coordinates are fractions of the square, x right and y down. Shapes are drawn hard at several
times the size and averaged down, which smooths edges and keeps colours exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Colour = tuple[int, int, int]  # blue, green, red, 0..255


class Canvas:
    """A square of ``size_px`` on which shapes are drawn through a rotation about its centre."""

    def __init__(self, size_px: int, tilt_degrees: float, scale: float, mirror: int) -> None:
        """``scale`` shrinks about the centre; ``mirror`` is 1, or -1 to swap left and right."""
        self._size_px = size_px
        self._side = size_px * (4 if size_px < 160 else 3 if size_px < 320 else 2)
        self._pixels = np.zeros((self._side, self._side, 4), dtype=np.uint8)
        self._scale = scale
        self._mirror = mirror
        self._tilt_degrees = 0.0
        self._matrix = np.eye(2)
        self.tilt_by(tilt_degrees)

    def tilt_by(self, degrees: float) -> None:
        """Turn what is drawn from now on by so much more, clockwise, about the centre."""
        self._tilt_degrees += degrees
        angle = np.deg2rad(self._tilt_degrees)
        rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self._matrix = self._scale * np.diag([self._mirror, 1.0]) @ rotation

    def fill(self, points: Points, colour: Colour) -> None:
        """A polygon ``(n, 2)`` of one colour."""
        cv2.fillPoly(self._pixels, [self._place(points)], (*colour, 255))

    def shade(self, points: Points, start: Colour, stop: Colour, along: Points) -> None:
        """A polygon whose colour runs from ``start`` to ``stop`` along the segment ``(2, 2)``."""
        corners = self._place(points)
        low = np.maximum(corners.min(axis=0), 0)
        high = np.minimum(corners.max(axis=0) + 1, self._side)
        if np.any(high <= low):
            return
        width, height = (high - low).tolist()
        mask = np.zeros((height, width), dtype=np.uint8)
        cv2.fillPoly(mask, [corners - low], 255)
        begin, end = self._place(np.asarray(along, dtype=np.float64)).astype(np.float32) - low
        direction = (end - begin) / max(1.0, float(np.sum((end - begin) ** 2)))
        x = (np.arange(width, dtype=np.float32) - begin[0]) * (direction[0] * 255.0)
        y = (np.arange(height, dtype=np.float32) - begin[1]) * (direction[1] * 255.0)
        level = np.add.outer(y, x)
        level = np.clip(level, 0.0, 255.0, out=level).astype(np.uint8)
        ramp = np.linspace((*start, 255), (*stop, 255), 256).astype(np.uint8)
        # One look-up per pixel: the four bytes of a colour are taken as one number.
        colours = ramp.view(np.uint32).ravel()[level].view(np.uint8).reshape(height, width, 4)
        cv2.copyTo(colours, mask, self._pixels[low[1] : high[1], low[0] : high[0]])

    def stroke(self, points: Points, width: float, colour: Colour) -> None:
        """A line through ``points``, ``width`` wide (fraction of the square), round ends."""
        thickness = max(1, round(width * self._scale * self._side))
        cv2.polylines(self._pixels, [self._place(points)], False, (*colour, 255), thickness)

    def disc(self, centre: tuple[float, float], radius: float, colour: Colour) -> None:
        """A filled circle."""
        x, y = self._place(np.array([centre]))[0].tolist()
        pixels = max(1, round(radius * self._scale * self._side))
        cv2.circle(self._pixels, (x, y), pixels, (*colour, 255), -1)

    def sprite(self) -> Picture:
        """What was drawn, ``(size_px, size_px, 4)`` uint8 BGRA, alpha not premultiplied."""
        size = (self._size_px, self._size_px)
        small = cv2.resize(self._pixels, size, interpolation=cv2.INTER_AREA)
        edge = (small[..., 3] > 0) & (small[..., 3] < 255)
        mixed = small[edge].astype(np.float32)
        mixed[:, :3] *= 255.0 / mixed[:, 3:]
        small[edge] = np.minimum(np.rint(mixed), 255.0).astype(np.uint8)
        return np.asarray(small, dtype=np.uint8)

    def _place(self, points: Points) -> npt.NDArray[np.int32]:
        turned = (points - 0.5) @ self._matrix.T + 0.5
        placed: npt.NDArray[np.int32] = np.rint(turned * self._side).astype(np.int32)
        return placed


def smooth(points: Sequence[tuple[float, float]]) -> Points:
    """A closed Catmull-Rom curve through ``points``, 8 segments between neighbours."""
    knots = np.asarray(points, dtype=np.float64)
    before, after = np.roll(knots, 1, axis=0), np.roll(knots, -1, axis=0)
    far = np.roll(knots, -2, axis=0)
    parts = []
    for t in np.arange(8) / 8.0:
        parts.append(
            knots
            + 0.5 * t * (after - before)
            + t**2 * (before - 2.5 * knots + 2.0 * after - 0.5 * far)
            + t**3 * 0.5 * (far - before + 3.0 * (knots - after))
        )
    return np.stack(parts, axis=1).reshape(-1, 2)


def mirrored(right: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A symmetric outline from its right half, given as offsets from x = 0.5, top to bottom."""
    left = [(0.5 - x, y) for x, y in reversed(right) if x > 0.0]
    return [(0.5 + x, y) for x, y in right] + left


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """The corners of a rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def paste(picture: Picture, sprite: Picture) -> Picture:
    """``sprite`` (BGRA) over ``picture`` (BGR) of the same height and width; a new picture."""
    alpha = sprite[..., 3:].astype(np.uint16)
    mixed = sprite[..., :3] * alpha + picture * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def resized(picture: Picture, height: int, width: int) -> Picture:
    """``picture`` at another size, smoothly."""
    shrinks = height < picture.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.uint8)


def polygon(picture: Picture, points: Points, colour: Colour) -> None:
    """Fill a polygon (fractions of width and height) on an opaque ``picture`` in place."""
    scale = np.array([picture.shape[1], picture.shape[0]])
    corners = np.rint(points * scale * 16.0).astype(np.int32)
    cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA, 4)


def blurred(picture: npt.NDArray[np.float32], radius_px: float) -> npt.NDArray[np.float32]:
    """``picture`` through a Gaussian of standard deviation ``radius_px``."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(0.3, radius_px)), dtype=np.float32)
