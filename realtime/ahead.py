"""How far ahead a model can hear, in columns, and what of that is there in time. Pure."""

from __future__ import annotations

from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.spec import FRAME_COLUMNS, ModelSpec, SoundSpec
from realtime.clock import NS_PER_MS

_LEAST_COLUMNS = -1  # what is divided is there one column before what is listened to


def _slack(columns_per_step: int) -> int:
    """Columns that a step of one frame alone waits for longer, where less than a frame is due."""
    return -columns_per_step % FRAME_COLUMNS


def answered(sound: SoundSpec, lookahead_columns: int, columns_per_step: int) -> int:
    """The furthest lookahead of a network that streams whose answers are there in time.

    One that looks at windows, in steps, looks as far as it is asked to.

    Raises:
        ValueError: it was made for more.
    """
    if not sound.is_streaming:
        return lookahead_columns
    in_time = [
        ahead for ahead in sound.lookaheads if ahead <= lookahead_columns - _slack(columns_per_step)
    ]
    if not in_time:
        raise ValueError(f"{lookahead_columns = } is less than {sound.lookaheads} allow")
    return max(in_time)


def positions(spec: ModelSpec, columns_per_step: int) -> tuple[int, ...]:
    """All lookaheads that this model can be asked for, ascending.

    One that looks at windows can look at them anywhere in their newer half. One that guesses a
    whole frame is asked as soon as the columns are there that its guess divides.
    """
    if spec.sound.is_streaming:
        slack = _slack(columns_per_step)
        return tuple(max(ahead + slack, _LEAST_COLUMNS) for ahead in spec.sound.lookaheads)
    return tuple(range(_LEAST_COLUMNS, spec.audio.columns // 2 + 1))


def is_stepped(spec: ModelSpec, lookahead_columns: int, columns_per_step: int) -> bool:
    """Whether steps with a cache say in time what windows would."""
    if not spec.sound.step_columns:
        return False
    steps = encoder_columns(spec.sound, spec.audio)
    return columns_per_step % steps.step == 0 and 0 <= lookahead_columns <= steps.furthest


def turnable(spec: ModelSpec, lookahead_columns: int, columns_per_step: int) -> tuple[int, ...]:
    """Of all lookaheads those that can be turned to from this one; of steps, whole steps away."""
    possible = positions(spec, columns_per_step)
    if not is_stepped(spec, lookahead_columns, columns_per_step):
        return possible
    return tuple(
        ahead
        for ahead in possible
        if is_stepped(spec, ahead, columns_per_step)
        and (ahead - lookahead_columns) % spec.sound.step_columns == 0
    )


def in_ms(spec: ModelSpec, columns: int) -> float:
    """How long so many columns last, in milliseconds."""
    return columns * spec.audio.at_rate(spec.audio.rate_hz).hop_ns / NS_PER_MS
