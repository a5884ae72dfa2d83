"""The dial between quality and delay: how far ahead is heard, and how close to the devices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pixelplayer.offline import WINDOWS
from pixelplayer.spec import ModelSpec
from realtime.ahead import positions
from realtime.clock import NS_PER_MS
from realtime.errors import UsageError
from realtime.portaudio import Latency
from realtime.stages.listener import Pace

MOST_COLUMNS_PER_STEP = 24  # where a slow machine has to catch up
WATCHED_MS = 93.0  # of lookahead for files as they play: at studio they would begin later


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One position of the dial.

    ``lookahead_columns`` are heard beyond a column before it is divided; at -1 it is divided as the
    one before it sounds. ``columns_per_step`` are divided at once. With ``window_step_columns``
    windows that far apart are looked at whole, and a column is what all that see it say in the
    mean. ``queue_s`` waits before the speaker as the next piece arrives, for pieces that are late.
    The devices are opened with these latencies, in seconds or as the driver thinks is low or high;
    the microphone gives ``block_s`` at a time.
    """

    lookahead_columns: int
    columns_per_step: int = 2
    queue_s: float = 0.075
    microphone_latency: Latency = "high"
    speaker_latency: Latency = "high"
    block_s: float = 0.010
    window_step_columns: int = 0

    @property
    def can_turn(self) -> bool:
        """Whether another lookahead can be asked for while it runs."""
        return not self.window_step_columns

    def pace(self, *, is_fast: bool) -> Pace:
        """Its steps; in a fast run all alike, as the result must be the same every time."""
        return Pace(
            columns_per_step=self.columns_per_step,
            lookahead_columns=self.lookahead_columns,
            most_columns_per_step=self.columns_per_step if is_fast else MOST_COLUMNS_PER_STEP,
            window_step_columns=self.window_step_columns,
        )


WHOLE, STUDIO, STAGE, LIVE, INSTANT = "whole", "studio", "stage", "live", "instant"
DIALS: Mapping[str, Dial] = MappingProxyType(
    {
        WHOLE: Dial(lookahead_columns=126, window_step_columns=8),
        STUDIO: Dial(lookahead_columns=12),
        STAGE: Dial(
            lookahead_columns=4,
            queue_s=0.030,
            microphone_latency="low",
            speaker_latency=0.030,
        ),
        LIVE: Dial(
            lookahead_columns=1,
            queue_s=0.026,
            microphone_latency="low",
            speaker_latency=0.024,
            block_s=0.005,
        ),
        INSTANT: Dial(
            lookahead_columns=-1,
            columns_per_step=1,
            queue_s=0.012,
            microphone_latency="low",
            speaker_latency=0.012,
            block_s=0.003,
        ),
    }
)
"""For the best sound from files; files in a hurry; people before a microphone; those who play
along; those who hear themselves."""


def dial_at(spec: ModelSpec, lookahead: str | float) -> Dial:
    """The position that ``--lookahead`` asks for: by name, or in milliseconds to the nearest hop.

    A network that streams was made for some lookaheads: of these the furthest that is not more.

    Raises:
        UsageError: there is no such name; or the lookahead is more than half of the model's window,
            or less than a network that streams was made for.
    """
    hop_ms = spec.audio.at_rate(spec.audio.rate_hz).hop_ns / NS_PER_MS
    if isinstance(lookahead, str):
        if lookahead not in DIALS:
            raise UsageError(f"--lookahead {lookahead}: wanted {', '.join(DIALS)}, or milliseconds")
        asked, dial = lookahead, DIALS[lookahead]
        if dial.window_step_columns:
            return _whole(spec, dial)
    else:
        asked = f"{lookahead:g}"
        dial = replace(DIALS[STUDIO], lookahead_columns=round(lookahead / hop_ms))
    possible = positions(spec, dial.columns_per_step)
    if not spec.sound.is_streaming and dial.lookahead_columns > possible[-1]:
        most_ms = possible[-1] * hop_ms
        raise UsageError(f"--lookahead {asked} is too much; {most_ms:.0f} ms at most")
    least = possible[0]
    if dial.lookahead_columns < least:
        raise UsageError(
            f"--lookahead {asked} is too little for the model {spec.name!r}, which hears "
            f"{least * hop_ms:.0f} ms ahead; give {math.ceil(least * hop_ms)} or more, or another "
            "--model"
        )
    columns = max(one for one in possible if one <= dial.lookahead_columns)
    return replace(dial, lookahead_columns=columns)


def _whole(spec: ModelSpec, dial: Dial) -> Dial:
    """In windows of this model; one that streams hears as far ahead as it was made for."""
    if spec.sound.is_streaming:
        furthest = positions(spec, dial.columns_per_step)[-1]
        return replace(dial, lookahead_columns=furthest, window_step_columns=0)
    columns = spec.audio.columns
    return replace(
        dial,
        lookahead_columns=columns - dial.columns_per_step,
        window_step_columns=max(columns // WINDOWS, 1),
    )
