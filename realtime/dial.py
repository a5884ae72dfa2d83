"""The dial between quality and delay: how far ahead is heard, and how close to the devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from pixelplayer.offline import WINDOWS
from pixelplayer.spec import ModelSpec
from realtime.ahead import in_ms, positions
from realtime.errors import UsageError
from realtime.portaudio import Latency
from realtime.stages.listener import Pace

MOST_COLUMNS_PER_STEP = 24  # where a slow machine has to catch up
_MOST_NAMED = 4  # positions that an error names one by one


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


WHOLE, STUDIO, WATCHED = "whole", "studio", "watched"
STAGE, LIVE, INSTANT = "stage", "live", "instant"
DIALS: Mapping[str, Dial] = MappingProxyType(
    {
        WHOLE: Dial(lookahead_columns=126, window_step_columns=8),
        STUDIO: Dial(lookahead_columns=12),
        WATCHED: Dial(lookahead_columns=4),
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
            speaker_latency=0.016,
            block_s=0.003,
        ),
    }
)
"""For the best sound from files; files in a hurry; files as they play, which begin the sooner;
people before a microphone; those who play along; those who hear themselves."""


def dial_at(spec: ModelSpec, lookahead: str | float | None) -> Dial:
    """The position that ``--lookahead`` asks for: by name, or in milliseconds to the nearest hop.

    None is ``studio``. A name is the furthest that the model can do and that is not more;
    ``departure`` tells where that is less.

    Raises:
        UsageError: there is no such name; the model cannot do as little as the name says; or it
            does not have these milliseconds.
    """
    if lookahead is None:
        return _named(spec, STUDIO)
    if isinstance(lookahead, str):
        return _named(spec, lookahead)
    dial = DIALS[STUDIO]
    possible = positions(spec, dial.columns_per_step)
    columns = round(lookahead / in_ms(spec, 1))
    if columns not in possible:
        nearest = min(possible, key=lambda one: abs(one - columns))
        raise UsageError(
            f"--lookahead {lookahead:g}: {_hears(spec)}; give --lookahead "
            f"{in_ms(spec, nearest):.0f}, or another --model"
        )
    return replace(dial, lookahead_columns=columns)


def departure(spec: ModelSpec, lookahead: str | float) -> str | None:
    """What a run tells where the model cannot do what a name means; None where it can.

    Raises:
        UsageError: as ``dial_at``.
    """
    if not isinstance(lookahead, str):
        return None
    wanted, found = DIALS[lookahead], dial_at(spec, lookahead)
    found_ms = f"{in_ms(spec, found.lookahead_columns):.0f} ms"
    if wanted.window_step_columns:
        if found.window_step_columns:
            return None
        return (
            f"--lookahead {lookahead}: the model {spec.name!r} looks at no windows; {found_ms} are "
            "heard ahead, the most that it can"
        )
    if found.lookahead_columns == wanted.lookahead_columns:
        return None
    return (
        f"--lookahead {lookahead}: {found_ms} are heard ahead in place of "
        f"{in_ms(spec, wanted.lookahead_columns):.0f}; {_hears(spec)}"
    )


def _named(spec: ModelSpec, name: str) -> Dial:
    if name not in DIALS:
        raise UsageError(f"--lookahead {name}: wanted {', '.join(DIALS)}, or milliseconds")
    dial = DIALS[name]
    if dial.window_step_columns:
        return _whole(spec, dial)
    possible = positions(spec, dial.columns_per_step)
    nearer = [one for one in possible if one <= dial.lookahead_columns]
    if not nearer:
        least = positions(spec, DIALS[STUDIO].columns_per_step)[0]
        raise UsageError(
            f"--lookahead {name} is too little: {_hears(spec)}; give --lookahead "
            f"{in_ms(spec, least):.0f}, or another --model"
        )
    return replace(dial, lookahead_columns=max(nearer))


def _hears(spec: ModelSpec) -> str:
    """What can be asked for in milliseconds, for a message."""
    possible = positions(spec, DIALS[STUDIO].columns_per_step)
    found = [f"{in_ms(spec, columns):.0f}" for columns in possible]
    if len(found) > _MOST_NAMED:
        told = f"{found[0]} to {found[-1]}"
    else:
        told = " or ".join(filter(None, [", ".join(found[:-1]), found[-1]]))
    return f"the model {spec.name!r} hears {told} ms ahead"


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
