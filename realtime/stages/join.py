"""Which pictures belong to which sound: two policies, one for each pace."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from realtime.messages import SightMap, SoundColumns

_LATE_MESSAGES = 8  # after those that waited


class Joined(NamedTuple):
    """Columns with the maps to use; while they come too late, there is no time to look."""

    columns: SoundColumns
    maps: tuple[SightMap, ...]
    is_late: bool = False


class Join(Protocol):
    """Takes maps and columns in order of time; gives columns with the maps to use, oldest first.

    There may be fewer maps than wished for, and none before the first.
    """

    def add_map(self, sight: SightMap) -> None:
        """Take the next map."""

    def end_maps(self) -> None:
        """No map will follow."""

    def add_columns(self, columns: SoundColumns) -> None:
        """Take the next columns."""

    @property
    def waiting(self) -> int:
        """Columns messages that are held back."""

    def ready(self) -> list[Joined]:
        """All columns that need wait no longer."""


class NewestSight:
    """For ``--pace realtime``: the newest maps there are, whatever their time; waits for nothing.

    Where several messages of columns wait, all of them are late, and so are some that follow: at
    once on time again, the very next look would make others wait.

    Args:
        frames: maps to use together.
    """

    def __init__(self, frames: int) -> None:
        self._maps: deque[SightMap] = deque(maxlen=frames)
        self._columns: list[SoundColumns] = []
        self._late = 0  # messages that are late whether others wait or not

    def add_map(self, sight: SightMap) -> None:
        """Take the next map; the oldest is forgotten."""
        self._maps.append(sight)

    def end_maps(self) -> None:
        """The last maps stay in use."""

    def add_columns(self, columns: SoundColumns) -> None:
        """Take the next columns."""
        self._columns.append(columns)

    @property
    def waiting(self) -> int:
        """Columns messages not asked for yet."""
        return len(self._columns)

    def ready(self) -> list[Joined]:
        """All columns there are."""
        maps, count = tuple(self._maps), len(self._columns)
        if count > 1:
            self._late = count + _LATE_MESSAGES
        ready = [
            Joined(columns, maps, is_late=place < self._late)
            for place, columns in enumerate(self._columns)
        ]
        self._late = max(self._late - count, 0)
        self._columns.clear()
        return ready


class WaitForSight:
    """For ``--pace fast``: joins by capture time alone, so the result never depends on arrival.

    Columns of time t wait until a map newer than t, or the end of the maps, shows that no other
    map up to t can come. What waits is bounded by how far a file's sound is ahead of its picture.

    Args:
        frames: maps to use together, the last ones up to t.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._maps: deque[SightMap] = deque()
        self._columns: deque[SoundColumns] = deque()
        self._maps_ended = False

    def add_map(self, sight: SightMap) -> None:
        """Take the next map."""
        self._maps.append(sight)

    def end_maps(self) -> None:
        """Columns need not wait any more."""
        self._maps_ended = True

    def add_columns(self, columns: SoundColumns) -> None:
        """Take the next columns."""
        self._columns.append(columns)

    @property
    def waiting(self) -> int:
        """Columns messages that are held back."""
        return len(self._columns)

    def ready(self) -> list[Joined]:
        """The columns up to the time of the newest map, or all after the maps' end."""
        ready: list[Joined] = []
        while self._columns and self._is_settled(self._columns[0].capture_ns):
            columns = self._columns.popleft()
            past = [sight for sight in self._maps if sight.capture_ns <= columns.capture_ns]
            used = past[-self._frames :]
            for _ in range(len(past) - len(used)):
                self._maps.popleft()
            ready.append(Joined(columns, tuple(used)))
        return ready

    def _is_settled(self, instant_ns: int) -> bool:
        return self._maps_ended or bool(self._maps and self._maps[-1].capture_ns > instant_ns)
