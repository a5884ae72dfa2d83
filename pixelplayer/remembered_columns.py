"""What the steps of a cached encoder leave, until a later one needs it. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pixelplayer.encoder_columns import EncoderColumns, Level

Floats = NDArray[np.float32]


class RememberedColumns:
    """The newest columns of every level, of as many steps as are looked back to.

    Nothing moves: a step writes into the place of the oldest one, and columns are copied out of
    theirs when they are needed.
    """

    def __init__(self, columns: EncoderColumns) -> None:
        self._past: Floats = np.zeros((1, columns.past), np.float32)
        self._steps = 0
        self._records: list[Floats] = []
        self._pieces: list[tuple[Floats, int, Floats]] = []  # from where, how long ago, to where
        at = 0
        for level in columns.levels:
            size = len(level.old) * level.size
            part = self._past[0, at : at + size].reshape(level.channels, -1, level.rows)
            self._add(level, part)
            at += size

    def _add(self, level: Level, part: Floats) -> None:
        sources = [level.source(column) for column in level.old]
        longest = max((ago for ago, _ in sources), default=1)
        record = np.zeros((longest, level.channels, level.new, level.rows), np.float32)
        self._records.append(record)
        for place, (ago, number) in enumerate(sources):
            self._pieces.append((record[:, :, number], ago, part[:, place]))

    def past(self) -> Floats:
        """For the next step: (1, P), valid until it is asked for again."""
        for record, ago, target in self._pieces:
            np.copyto(target, record[(self._steps - ago) % len(record)])
        return self._past

    def keep(self, log_magnitude: Floats, kept: Floats) -> None:
        """Take a step's (1, 1, F, S) and what it left, (1, M)."""
        for record, left in zip(self._records, self._left(log_magnitude, kept), strict=True):
            record[self._steps % len(record)] = left
        self._steps += 1

    def fill(self, log_magnitude: Floats, kept: Floats) -> None:
        """The same, as if all steps had been like this one."""
        for record, left in zip(self._records, self._left(log_magnitude, kept), strict=True):
            record[:] = left

    def _left(self, log_magnitude: Floats, kept: Floats) -> list[Floats]:
        parts = [log_magnitude[0].transpose(0, 2, 1)]
        at = 0
        for record in self._records[1:]:
            size = record[0].size
            parts.append(kept[0, at : at + size].reshape(record.shape[1:]))
            at += size
        return parts
