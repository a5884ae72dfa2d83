"""Which columns of a U-Net's encoder a step computes, and which it remembers. Pure.

A window of T columns moves on by S. Column j of a level of stride s then shows what column
``j + S / s`` showed before; where S / s is a fraction, the same columns come back every ``s / S``
steps. So a step computes the newest columns of a level alone and remembers the others, except at
the window's two ends, where a level sees zeros: its newest column is made anew once there is
something after it, and its oldest one when there is nothing before it any more. What comes out is
what the whole window would give.
"""

from __future__ import annotations

from dataclasses import dataclass

from pixelplayer.spec import AudioSpec, SoundSpec

ENDS = 3  # columns at the older end, of which the next level's oldest is made
_MOST_NEWEST = 16  # columns of a window that can be asked for: of older ones less is at hand
_LEAST_WINDOW = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of the encoder, in columns of its own; level 0 is what the network is given.

    Of the window's ``columns`` a step brings ``new`` ones that stay as they are, and after them
    ``edge`` that see beyond the window. The same columns come back every ``period`` steps, ``new``
    further. At hand are the oldest three and those from ``first`` on; all of them where it is 0.
    """

    channels: int
    rows: int
    columns: int
    new: int
    period: int
    edge: int
    first: int

    @property
    def fresh(self) -> int:
        """The first column of those that the step computes at the newer end."""
        return self.columns - self.edge - self.new

    @property
    def is_whole(self) -> bool:
        """Whether all columns are at hand."""
        return self.first == 0

    @property
    def size(self) -> int:
        """Numbers in a column."""
        return self.channels * self.rows

    @property
    def old(self) -> tuple[int, ...]:
        """The columns that are remembered, ascending."""
        oldest = self.edge  # what sees beyond the window there is made anew as well
        if self.is_whole:
            return tuple(range(oldest, self.fresh))
        return (*range(oldest, ENDS), *range(self.first, self.fresh))

    def source(self, column: int) -> tuple[int, int]:
        """How many steps ago one of ``old`` was new, and which of the new ones it was then."""
        since = self.columns - self.edge - 1 - column
        return since // self.new * self.period, self.new - 1 - since % self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderColumns:
    """Steps of ``step`` columns, which can be asked for any of the ``newest`` of a window.

    ``levels`` are those that remember, outermost first. Below them all is computed.
    """

    step: int
    newest: int
    levels: tuple[Level, ...]

    @property
    def window(self) -> int:
        """Columns of a window."""
        return self.levels[0].columns

    @property
    def furthest(self) -> int:
        """The most columns that can be heard beyond those that a step says something of."""
        return self.newest - self.step

    @property
    def past(self) -> int:
        """Numbers that a step is given of what is remembered."""
        return sum(len(level.old) * level.size for level in self.levels)

    @property
    def kept(self) -> int:
        """Numbers that a step leaves to remember, besides what it was given."""
        return sum(level.new * level.size for level in self.levels[1:])


def encoder_columns(sound: SoundSpec, audio: AudioSpec) -> EncoderColumns:
    """What ``pixelplayer.networks.sound.SoundNet`` needs in steps of ``sound.step_columns``.

    Raises:
        ValueError: it cannot be run in such steps.
    """
    step, window = sound.step_columns, audio.columns
    newest = min(_MOST_NEWEST, window // 4)
    if sound.network != "published":
        raise ValueError(f"steps with a cache are the published network's, not {sound.network!r}'s")
    if step < 1 or step & (step - 1) or step > newest:
        raise ValueError(f"steps of {step} columns: wanted a power of two, {newest} at most")
    multiple = max(2 ** (sound.levels + 1), _LEAST_WINDOW)
    if window % multiple:
        raise ValueError(
            f"a window of {window} columns: in steps with a cache, {sound.levels} levels want a "
            f"multiple of {multiple}"
        )
    needed = window - newest
    levels: list[Level] = []
    for number in range(sound.levels):
        stride = 2**number
        columns, new = window // stride, _new(step, stride)
        # Of the next level's first fresh column, its kernel's first.
        first = 2 * (columns // 2 - 1 - _new(step, 2 * stride)) - 1
        if number:
            needed = max(needed // 2 - 1, 0)  # by the decoder, as ``SoundNet.some``
            first = min(first, needed)
        if first <= ENDS or number == sound.levels - 1:  # below the last all of it is needed
            first = 0
        levels.append(
            Level(
                channels=sound.width * min(stride // 2, 8) if number else 1,
                rows=audio.frequency_bins // stride,
                columns=columns,
                new=new,
                period=max(stride // step, 1),
                edge=min(number, 1),
                first=first,
            )
        )
        if not first:
            break
    return EncoderColumns(step=step, newest=newest, levels=tuple(levels))


def _new(step: int, stride: int) -> int:
    return max(step // stride, 1)
