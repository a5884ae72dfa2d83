"""Which grid cells belong together: cells that sound alike, connected in the picture.

Cells are compared by their visual features, channel by channel weighted with what the channel
does to a mask (the synthesizer's scale), after subtracting what nearly every cell shows. The
measure is the cosine, so it does not matter how strongly a cell shows what it shows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Cells = NDArray[np.bool_]

_WHOLE = 1.1  # amounts in a blend sum to 1, the background's included, or a bit more with noise


class Likeness:
    """Compares feature vectors; follows the background of the picture.

    Args:
        scale: ``(K,)`` float32, the synthesizer's.
        noise: what is no difference, as a part of a feature's range 0..1. Vectors nearer than
            this to the background are all alike.
        common_quantile: the background of a channel is this quantile of the cells.
    """

    def __init__(self, scale: Floats, noise: float, common_quantile: float) -> None:
        strength = np.abs(scale)
        typical = float(np.sqrt(np.mean(strength**2)))
        self._weight = strength / np.float32(typical if typical > 0 else 1.0)
        self._noise = np.float32(noise)
        self._quantile = common_quantile
        self._background: Floats | None = None

    def look(self, cells: Floats, follow: float) -> None:
        """Move the background by the part ``follow`` (0..1) towards that of ``cells`` (n, K)."""
        rank = int(self._quantile * len(cells))
        common = np.partition(cells, rank, axis=0)[rank]
        if self._background is None:
            self._background = common
        else:
            self._background = self._background + np.float32(follow) * (common - self._background)

    def forget(self) -> None:
        """The next picture is another one: its background is taken as it is."""
        self._background = None

    @property
    def background(self) -> Floats | None:
        """What nearly every cell shows, ``(K,)``; None before the first picture."""
        return self._background

    def recall(self, background: Floats | None) -> None:
        """Take the background that another found."""
        self._background = background

    def between(self, vectors: Floats, others: Floats) -> Floats:
        """Cosines in -1..1, ``(n, K)`` by ``(m, K)`` float32 to ``(n, m)``."""
        # With five channels OpenBLAS (0.3.31, AVX-512) also reads what lies behind the last row;
        # the products are right, but a signalling NaN there sets the flag that numpy warns of.
        with np.errstate(invalid="ignore"):
            cosines: Floats = self._directions(vectors) @ self._directions(others).T
        return cosines

    def is_blend(self, vector: Floats, others: Floats, unlike: float) -> bool:
        """Whether ``vector`` (K,) is but ``others`` (n, K) seen through each other's edges.

        That is, a mixture of them and the background, to a part ``unlike`` of its length.
        """
        background = np.zeros_like(vector) if self._background is None else self._background
        target = (vector - background) * self._weight
        parts = (others - background) * self._weight
        while len(parts):
            amounts = np.linalg.lstsq(parts.T, target, rcond=None)[0]
            if (amounts > 0).all():
                left = float(np.linalg.norm(target - amounts @ parts))
                least = max(unlike * float(np.linalg.norm(target)), float(self._noise))
                return left < least and float(amounts.sum()) < _WHOLE
            parts = parts[amounts > 0]
        return False

    def _directions(self, vectors: Floats) -> Floats:
        # The noise is one more channel that all vectors have in common.
        directions = np.full((len(vectors), vectors.shape[1] + 1), self._noise, np.float32)
        background = 0.0 if self._background is None else self._background
        directions[:, :-1] = (vectors - background) * self._weight
        directions /= np.linalg.norm(directions, axis=1, keepdims=True) + np.float32(1e-12)
        return directions


class Grid:
    """Places on a grid of ``height`` by ``width`` cells, numbered row by row."""

    def __init__(self, height: int, width: int, reach_cells: int) -> None:
        self.height, self.width = height, width
        rows, columns = np.divmod(np.arange(height * width), width)
        distance = np.maximum(
            np.abs(rows[:, np.newaxis] - rows), np.abs(columns[:, np.newaxis] - columns)
        )
        self._near = distance <= reach_cells
        self.centres = np.stack(  # (cells, 2): x, y as fractions of the picture
            [(columns + 0.5) / width, (rows + 0.5) / height], axis=1
        ).astype(np.float32)

    def cell_at(self, x: float, y: float) -> int:
        """The cell that contains a point of the picture; fractions, 1.0 included."""
        column = min(int(x * self.width), self.width - 1)
        row = min(int(y * self.height), self.height - 1)
        return row * self.width + column

    def piece(self, cells: Cells, start: int) -> Cells:
        """Those of ``cells`` that steps of ``reach_cells`` connect with the cell ``start``."""
        piece = np.zeros_like(cells)
        piece[start] = True
        size = 0
        while size != (size := int(piece.sum())):
            piece |= cells & self._near[piece].any(axis=0)
        return piece

    def pieces(self, cells: Cells) -> list[Cells]:
        """All connected pieces of ``cells``, by their first cell."""
        left, pieces = cells.copy(), []
        while left.any():
            piece = self.piece(left, int(np.argmax(left)))
            pieces.append(piece)
            left &= ~piece
        return pieces

    def touch(self, cells: Cells, others: Cells) -> bool:
        """Whether a step of ``reach_cells`` leads from one to the other."""
        return bool(self._near[cells][:, others].any())

    def box(self, cells: Cells) -> tuple[float, float, float, float]:
        """The smallest box around ``cells`` (at least one), as fractions of the picture."""
        rows, columns = np.divmod(np.flatnonzero(cells), self.width)
        return (
            float(columns.min() / self.width),
            float(rows.min() / self.height),
            float((columns.max() + 1) / self.width),
            float((rows.max() + 1) / self.height),
        )


def discover(
    cells: Floats,
    salience: Floats,
    free: Cells,
    *,
    likeness: Likeness,
    grid: Grid,
    alike: float,
) -> list[Cells]:
    """Split the ``free`` cells into groups, the most salient first.

    A group grows from its most salient cell: connected cells whose cosine with it is at least
    ``alike``. Growing from the peak keeps the blends at the edge between two objects from
    chaining them into one.

    Args:
        cells: ``(n, K)`` float32 features.
        salience: ``(n,)`` float32.
        free: ``(n,)``, the cells to look at.
    """
    left, groups = free.copy(), []
    while left.any():
        seed = int(np.argmax(np.where(left, salience, -1)))
        core = left & (likeness.between(cells[seed : seed + 1], cells)[0] >= alike)
        core[seed] = True
        centre = (heart(salience, core, 2.0) @ cells[core])[np.newaxis]
        group = grid.piece(left & (likeness.between(centre, cells)[0] >= alike), seed)
        groups.append(group)
        left &= ~group
    return groups


def heart(salience: Floats, chosen: Cells, power: float) -> Floats:
    """Weights of the ``chosen`` cells (at least one), summing to 1; the salient ones weigh more.

    An object's edge blends into what is behind it; its most salient cells are the purest.
    """
    strongest = max(float(salience[chosen].max()), 1e-9)
    weight: Floats = (salience[chosen] / np.float32(strongest)) ** np.float32(power)
    weight /= weight.sum()
    return weight


def exclusive(masks: Floats, others: Floats, amplitude: Floats) -> float:
    """The part of the sound that ``masks`` (F,) let through beyond all the ``others`` (n, F)."""
    best = others.max(axis=0, initial=0.0)
    return float(np.maximum(masks - best, 0) @ amplitude)


def explained(masks: Floats, amplitude: Floats) -> float:
    """The part of the sound that all ``masks`` (n, F) together let through, at least one of them.

    ``amplitude`` is as in ``pixelplayer.energy.Heat``; 0 if there are no masks.
    """
    return float(masks.max(axis=0, initial=0.0) @ amplitude)
