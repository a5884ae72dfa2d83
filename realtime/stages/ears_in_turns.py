"""Ears that remember and hear in turns, where less than a frame is due at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pixelplayer.spec import FRAME_COLUMNS, ModelSpec
from realtime.stages.ears import Behind, Ear, Floats, Steps, StreamEar


def ears_in_turns(columns_per_step: int) -> int:
    """How many it takes until each of so many columns at a time is the first of a frame."""
    return FRAME_COLUMNS // math.gcd(FRAME_COLUMNS, columns_per_step)


def remembering_ear(
    networks: Sequence[Steps], spec: ModelSpec, behind: Behind | None = None
) -> Ear:
    """Hears with all of the ``networks``, which are alike and share nothing."""
    ears = [StreamEar(one, spec, behind, lead) for lead, one in enumerate(networks)]
    return EarsInTurns(ears) if len(ears) > 1 else ears[0]


class EarsInTurns:
    """Each begins its frames a column after the one before it, and speaks of their first columns.

    One ear alone says the same moment's answer of a whole frame. Where columns are due one by one,
    the frame's second is then as old as its first, though a column more could have been heard: a
    guess of the next frame is one of two columns, not of one. Heard in turns, every column is
    answered by who has just heard the newest (docs/decisions/0039).
    """

    def __init__(self, ears: Sequence[Ear]) -> None:
        self._ears = tuple(ears)

    @property
    def heard(self) -> int:
        """Columns heard so far."""
        return self._ears[0].heard

    def look_ahead(self, lookahead_columns: int, columns_per_step: int) -> None:
        """As ``StreamEar``, all of them.

        Raises:
            ValueError: they were made to hear further ahead, or do not.
        """
        for ear in self._ears:
            ear.look_ahead(lookahead_columns, columns_per_step)

    def hear(self, loudness: Floats) -> None:
        """The next columns ``(F, m)``, by all of them: whose frame is full is asked."""
        for ear in self._ears:
            ear.hear(loudness)

    def features(self, start: int, stop: int) -> Floats:
        """What columns ``start`` to ``stop`` sound like: a new ``(K, F, w)``.

        Raises:
            IndexError: what was said of ``start`` is forgotten.
        """
        said = [self._ears[at % len(self._ears)].features(at, at + 1) for at in range(start, stop)]
        return np.concatenate(said, axis=2) if len(said) > 1 else said[0]
