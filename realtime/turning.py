"""Following the dial while it is turned: how far ahead is heard, and when a change takes effect.

More lookahead makes every sample late by as much. The speaker must have put that much into its
queue before the sound stops coming; less lookahead makes sound come earlier, which may leave the
queue only once it is there. So of the two, whoever must wait for the other waits a second. Pure.
"""

from __future__ import annotations

from pixelplayer.spec import ModelSpec
from realtime.ahead import turnable
from realtime.clock import NS_PER_MS
from realtime.messages import Control

WAIT_S = 1.0  # of sound
_LEAST_COLUMNS = 0  # that can be turned to: less wants other devices, which stay as they are


class Turning:
    """The lookahead that was asked for last, in whole columns that the model can do.

    Args:
        spec: the model's.
        lookahead_columns: at the beginning.
        columns_per_step: that are divided at once.
    """

    def __init__(self, spec: ModelSpec, lookahead_columns: int, columns_per_step: int) -> None:
        self._hop_ms = spec.audio.at_rate(spec.audio.rate_hz).hop_ns / NS_PER_MS
        self._positions = [
            columns
            for columns in turnable(spec, lookahead_columns, columns_per_step)
            if columns >= min(_LEAST_COLUMNS, lookahead_columns)
        ]
        self.columns = lookahead_columns

    @property
    def lookahead_ms(self) -> float:
        """What was asked for, as it can be done."""
        return self.columns * self._hop_ms

    def turn(self, control: Control) -> int:
        """Take a control; by how many columns the lookahead grows, or, negative, shrinks.

        It goes as far as was asked and no further; but a step at least, if there is one.
        """
        if control.kind != "lookahead" or control.value is None:
            return 0
        wanted = round(control.value / self._hop_ms)
        before = self.columns
        if wanted > before:
            further = [one for one in self._positions if one > before]
            self.columns = max([one for one in further if one <= wanted] or further[:1] or [before])
        elif wanted < before:
            nearer = [one for one in self._positions if one < before]
            self.columns = min([one for one in nearer if one >= wanted] or nearer[-1:] or [before])
        return self.columns - before
