"""The visual network, open for pictures of the shape that comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.protocol import Engine
from pixelplayer.pictures import tables
from pixelplayer.spec import USUAL, VisionSpec
from realtime import picture

Floats: TypeAlias = NDArray[np.float32]
Grid: TypeAlias = tuple[int, int]  # rows, columns
OpenVision: TypeAlias = Callable[[Grid], Engine]


class Eyes:
    """Looks at pictures in their own proportions: engines are opened for each grid that is met.

    Squeezed into a square, wide pictures show wrong shapes: of unseen photographs side by side, the
    network names 53 % of the instruments' cells rightly in a square, and 65 % in as many pixels of
    the pictures' own proportions.

    Networks learn from photographs that an instrument fills. In the middle of a stage it is small,
    and seen by a second look with twice as many pixels a side; close up, by the first.
    """

    def __init__(self, open_engine: OpenVision, spec: VisionSpec) -> None:
        self._open_engine = open_engine
        self._spec = spec
        self._engines: list[Engine] = []
        self._shown: list[Floats] = []  # to each of them
        self._grid: Grid | None = None

    def open(self) -> None:
        """Be ready for what most cameras give."""
        self._engines_for(self._spec.grid_for(*USUAL))

    def look(self, pixels_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Floats]:
        """What the network is shown of a picture, and what it sees there.

        Args:
            pixels_bgr: ``(height, width, 3)`` uint8, any size from 1 x 1.

        Returns:
            The picture ``(rows * stride, columns * stride, 3)`` uint8, as it was before it was
            exposed, and its features ``(S, K, rows, columns)`` float32, from each look.
        """
        shown, first = self.glance(pixels_bgr)
        return shown, np.stack([first, *self.look_closer(pixels_bgr)])

    def glance(self, pixels_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Floats]:
        """The picture, and the features ``(K, rows, columns)`` of the first look alone."""
        return self._seen(pixels_bgr, 0)

    def look_closer(self, pixels_bgr: NDArray[np.uint8]) -> list[Floats]:
        """The features ``(K, rows, columns)`` of each further look."""
        return [self._seen(pixels_bgr, number)[1] for number in range(1, self._spec.looks)]

    def _seen(self, pixels_bgr: NDArray[np.uint8], number: int) -> tuple[NDArray[np.uint8], Floats]:
        spec, finer = self._spec, 2**number
        rows, columns = spec.grid_for(*pixels_bgr.shape[:2])
        engine = self._engines_for((rows, columns))[number]
        shown = self._shown[number]
        small = picture.shrunk(pixels_bgr, (shown.shape[2], shown.shape[3]))
        picture.through(small, tables(picture.mean_level(small), spec.picture), shown)
        seen = engine.infer({"picture": shown})["features"][0]
        if finer > 1:
            seen = seen.reshape(-1, rows, finer, columns, finer).mean(axis=(2, 4))
        return small, seen

    def close(self) -> None:
        """Close the engines; a second call does nothing."""
        for engine in self._engines:
            engine.close()
        self._engines, self._shown, self._grid = [], [], None

    def _engines_for(self, grid: Grid) -> Sequence[Engine]:
        if grid != self._grid:
            self.close()
            rows, columns = grid
            for finer in (2**number for number in range(self._spec.looks)):
                engine = self._open_engine((rows * finer, columns * finer))
                self._engines.append(engine)
                self._shown.append(np.empty(engine.inputs[0].shape, np.float32))
            self._grid = grid
        return self._engines
