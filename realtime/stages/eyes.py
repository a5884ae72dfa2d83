"""The visual network, open for pictures of the shape that comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engines.protocol import Engine
from pixelplayer.pictures import prepared
from pixelplayer.spec import USUAL, VisionSpec
from realtime import picture

Floats: TypeAlias = NDArray[np.float32]
Grid: TypeAlias = tuple[int, int]  # rows, columns
OpenVision: TypeAlias = Callable[[Grid], Engine]


class Eyes:
    """Looks at pictures in their own proportions: an engine is opened for each grid that is met.

    Squeezed into a square, wide pictures show wrong shapes: of unseen photographs side by side, the
    network names 53 % of the instruments' cells rightly in a square, and 65 % in as many pixels of
    the pictures' own proportions.
    """

    def __init__(self, open_engine: OpenVision, spec: VisionSpec) -> None:
        self._open_engine = open_engine
        self._spec = spec
        self._engine: Engine | None = None
        self._grid: Grid | None = None

    def open(self) -> None:
        """Be ready for what most cameras give."""
        self._engine_for(self._spec.grid_for(*USUAL))

    def look(self, pixels_bgr: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """What the network is shown of a picture, and what it sees there.

        Args:
            pixels_bgr: ``(height, width, 3)`` uint8, any size from 1 x 1.

        Returns:
            The picture ``(1, 3, rows * stride, columns * stride)`` float32, RGB in 0..1, before it
            is exposed, and its features ``(K, rows, columns)`` float32.
        """
        spec = self._spec
        grid = spec.grid_for(*pixels_bgr.shape[:2])
        shown = picture.to_network(pixels_bgr, (grid[0] * spec.stride_px, grid[1] * spec.stride_px))
        engine = self._engine_for(grid)
        features: Floats = engine.infer({"picture": prepared(shown, spec.picture)})["features"][0]
        return shown, features

    def close(self) -> None:
        """Close the engine; a second call does nothing."""
        if self._engine is not None:
            self._engine.close()
        self._engine = self._grid = None

    def _engine_for(self, grid: Grid) -> Engine:
        if self._engine is None or grid != self._grid:
            self.close()
            self._engine, self._grid = self._open_engine(grid), grid
        return self._engine
