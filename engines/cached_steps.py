"""A sound network that looks at windows, in steps: its encoder remembers what it has heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from engines.networks import PAST
from engines.protocol import FloatArray
from pixelplayer.encoder_columns import EncoderColumns
from pixelplayer.remembered_columns import RememberedColumns
from pixelplayer.warp import LOG_FLOOR

Infer: TypeAlias = Callable[[Mapping[str, FloatArray], int], Mapping[str, FloatArray]]

_SILENCE = np.log(LOG_FLOOR)


class CachedSteps:
    """Says of each step of columns what a window that ends a lookahead after it says.

    Before the first column there was silence.

    Args:
        infer: runs the network ``step``, of which the second argument is ``newest``
            (``engines.registry.open_engine``).
        steps: what the network computes and what it is given.
        bins: F.
        lookahead: columns that are heard beyond those that are answered, at first.

    Raises:
        ValueError: the network does not look so far ahead.
    """

    def __init__(self, infer: Infer, steps: EncoderColumns, bins: int, lookahead: int) -> None:
        self._infer = infer
        self._steps = steps
        self.look_ahead(lookahead)
        self._remembered = RememberedColumns(steps)
        self._silence = np.full((1, 1, bins, steps.step), _SILENCE, np.float32)
        self._silent: FloatArray = np.zeros((1, steps.kept), np.float32)
        for _ in steps.levels:  # each is settled once those above it are
            self.reset()
            self._silent = self._answers(self._silence)["kept"]
        self.reset()

    @property
    def columns(self) -> int:
        """That are given at a time."""
        return self._steps.step

    @property
    def frame(self) -> int:
        """The least columns that could be given."""
        return self._steps.step

    @property
    def lookahead(self) -> int:
        """Columns that are heard beyond those that are answered."""
        return self._lookahead

    def look_ahead(self, columns: int) -> None:
        """From the next step on.

        Raises:
            ValueError: the network does not look so far ahead.
        """
        if not 0 <= columns <= self._steps.furthest:
            most = self._steps.furthest
            raise ValueError(f"a lookahead of {columns} columns: wanted 0 to {most}")
        self._lookahead = columns

    def reset(self) -> None:
        """Forget what was heard."""
        self._remembered.fill(self._silence, self._silent)

    def step(self, log_magnitude: FloatArray) -> FloatArray:
        """The next ``(1, 1, F, S)`` to what is said then, ``(1, K, F, S)``."""
        answers = self._answers(log_magnitude)
        self._remembered.keep(log_magnitude, answers["kept"])
        return answers["sound"]

    def _answers(self, log_magnitude: FloatArray) -> Mapping[str, FloatArray]:
        given = {"log_magnitude": log_magnitude, PAST: self._remembered.past()}
        return self._infer(given, self._lookahead + self._steps.step)
