"""Following the dial while it is turned: how far ahead is heard, and when a change takes effect.

More lookahead makes every sample late by as much. The speaker must have put that much into its
queue before the sound stops coming; less lookahead makes sound come earlier, which may leave the
queue only once it is there. So of the two, whoever must wait for the other waits a second. Pure.

All that the model can do can be turned to, the guess of ``--lookahead instant`` too. But devices
and steps stay as they were opened: what is turned to is later than what was begun with its name.
"""

from __future__ import annotations

from pixelplayer.spec import ModelSpec
from realtime.ahead import in_ms, turnable
from realtime.messages import Control

WAIT_S = 1.0  # of sound


class Turning:
    """The lookahead that was asked for last, in whole columns that the model can do.

    Args:
        spec: the model's.
        lookahead_columns: at the beginning.
        columns_per_step: that are divided at once.
    """

    def __init__(self, spec: ModelSpec, lookahead_columns: int, columns_per_step: int) -> None:
        self._hop_ms = in_ms(spec, 1)
        self._positions = turnable(spec, lookahead_columns, columns_per_step)
        self.columns = lookahead_columns

    @property
    def positions_ms(self) -> tuple[float, ...]:
        """All that can be asked for, ascending."""
        return tuple(columns * self._hop_ms for columns in self._positions)

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
