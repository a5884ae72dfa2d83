"""Following the dial while it is turned: how far ahead is heard, and when a change takes effect.

More lookahead makes every sample late by as much. The speaker must have put that much into its
queue before the sound stops coming; less lookahead makes sound come earlier, which may leave the
queue only once it is there. So of the two, whoever must wait for the other waits a second. Pure.
"""

from __future__ import annotations

from pixelplayer.spec import ModelSpec
from realtime.clock import NS_PER_MS
from realtime.messages import Control

WAIT_S = 1.0  # of sound
_LEAST_COLUMNS = 0


class Turning:
    """The lookahead that was asked for last, in whole columns that the model can do.

    Args:
        spec: the model's.
        lookahead_columns: at the beginning.
    """

    def __init__(self, spec: ModelSpec, lookahead_columns: int) -> None:
        self._hop_ms = spec.audio.at_rate(spec.audio.rate_hz).hop_ns / NS_PER_MS
        self._least = max(spec.sound.lookahead, _LEAST_COLUMNS)
        self._most = spec.audio.columns // 2
        self.columns = lookahead_columns

    @property
    def lookahead_ms(self) -> float:
        """What was asked for, as it can be done."""
        return self.columns * self._hop_ms

    def turn(self, control: Control) -> int:
        """Take a control; by how many columns the lookahead grows, or, negative, shrinks."""
        if control.kind != "lookahead" or control.value is None:
            return 0
        wanted = round(control.value / self._hop_ms)
        before = self.columns
        self.columns = min(max(wanted, self._least), self._most)
        return self.columns - before
