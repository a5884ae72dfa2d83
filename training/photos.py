"""Photographs of instruments by class, decoded once and kept as one array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from training.commands import UnusableError
from training.figures import figure_of, has_plain_ground
from training.sources import held_out

SIDE_PX = 224


@dataclass(frozen=True)
class Photos:
    """``pixels`` (n, 224, 224, 3) uint8 RGB; ``labels`` and ``names`` (n,); ``held_out`` (n,) bool.

    ``evidence`` by name, of some: (side, side) uint8, where in it ``training.attention`` finds its
    label.
    """

    pixels: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    held_out: np.ndarray
    evidence: Mapping[str, np.ndarray]

    def select(self, label: str, *, held_out: bool) -> np.ndarray:
        """Indices of one class on one side of the split."""
        return np.flatnonzero((self.labels == label) & (self.held_out == held_out))


def open_photos(folder: Path, attention: Path | None = None) -> Photos:
    """Read ``<folder>/<class>/<picture>``; unreadable files are left out.

    ``attention`` is a file of ``training.attention``.

    Raises:
        UnusableError: there are none.
    """
    pixels, labels, names = [], [], []
    for path in sorted(folder.glob("*/*")):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            continue
        picture = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
        pixels.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        labels.append(path.parent.name)
        names.append(f"{path.parent.name}/{path.stem}")
    if not pixels:
        raise UnusableError(
            f"{folder} holds no <class>/<picture> files; put some there, as docs/models.md says"
        )
    return Photos(
        pixels=np.stack(pixels),
        labels=np.array(labels),
        names=np.array(names),
        held_out=np.array([held_out(name) for name in names]),
        evidence=_read(attention) if attention else {},
    )


def instrument_in(photos: Photos, index: int) -> np.ndarray:
    """Where in a photograph its instrument is, (224, 224) uint8: 255 there, 0 where not or unknown.

    On a plain ground it is what differs from it; elsewhere where the evidence is, if there is any.
    """
    picture, evidence = photos.pixels[index], photos.evidence.get(str(photos.names[index]))
    if evidence is None and not has_plain_ground(picture):
        return np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    if evidence is not None:
        evidence = cv2.resize(evidence, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    return figure_of(picture, evidence, keep_ground=True).sure


def joined(first: Photos, second: Photos) -> Photos:
    """All of both; the first ones keep their numbers."""
    return Photos(
        pixels=np.concatenate([first.pixels, second.pixels]),
        labels=np.concatenate([first.labels, second.labels]),
        names=np.concatenate([first.names, second.names]),
        held_out=np.concatenate([first.held_out, second.held_out]),
        evidence={**first.evidence, **second.evidence},
    )


def _read(attention: Path) -> dict[str, np.ndarray]:
    with np.load(attention) as file:
        return dict(zip(file["names"].tolist(), file["evidence"], strict=True))
