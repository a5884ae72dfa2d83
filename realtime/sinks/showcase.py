"""What each viewer of the page is owed: the newest state and picture, sound who listens.

Of a picture there may be several views, and each viewer is shown the one that it looks at.

The one who shows never waits. A viewer says which pictures came; two may be on their way to each,
so that a slow one gets fewer pictures, not older ones. No clock and no socket is in here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Condition, Lock

from realtime.clock import NS_PER_S
from realtime.sinks.views import View

MOST_VIEWERS = 8
STALL_TIMEOUT_S = 10.0  # a viewer that takes nothing for so long is let go
MOST_ON_THEIR_WAY = 2  # pictures that a viewer has not acknowledged
MOST_AHEAD_S = 0.15  # that a picture leaves before it is due
_FOLLOW = 0.1  # of every change, of how long pictures are on their way
MOST_WAITING_SOUNDS = 24  # a second of them; then the oldest is left out
MOST_WAITING_SPECTRA = 24

HangUp = Callable[[], None]
Parcel = str | bytes
"""A text is JSON, bytes are a picture, a piece of sound, or columns of spectrograms."""


@dataclass(slots=True, eq=False)
class Seat:
    """One viewer's place: what was sent, and what waits."""

    hang_up: HangUp
    changed: Condition  # something may be due; every seat has its own: to wake a thread costs
    is_listening: bool = False
    is_following: bool = False  # the spectrograms
    view: View = "objects"
    told: int = 0  # the number of the state that was sent last
    shown: int = 0  # and of the picture
    unseen: deque[tuple[int, int]] = field(default_factory=deque)  # number, when it was sent
    way_ns: float | None = None  # how long pictures are on their way, of late
    sounds: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_WAITING_SOUNDS))
    spectra: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_WAITING_SPECTRA))
    note: str | None = None
    has_left: bool = False


class Showcase:
    """The newest of everything, for any number of viewers in threads of their own."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._seats: list[Seat] = []
        self._pictures: Mapping[View, bytes] = {}
        self._picture_number = 0
        self._now_ns = 0
        self._state = ""
        self._state_number = 0
        self._is_closed = False

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._seats)

    @property
    def listeners(self) -> int:
        """How many of them want sound."""
        with self._lock:
            return sum(seat.is_listening for seat in self._seats)

    @property
    def followers(self) -> int:
        """How many of them want spectrograms."""
        with self._lock:
            return sum(seat.is_following for seat in self._seats)

    @property
    def views(self) -> frozenset[View]:
        """All that somebody looks at."""
        with self._lock:
            return frozenset(seat.view for seat in self._seats)

    @property
    def ahead_ns(self) -> int:
        """How long before its time a picture should leave: as long as the quickest viewer's take.

        So that nobody sees it before it is due.
        """
        with self._lock:
            ways_ns = [seat.way_ns for seat in self._seats if seat.way_ns is not None]
        return round(min(*ways_ns, MOST_AHEAD_S * NS_PER_S)) if ways_ns else 0

    @property
    def picture_number(self) -> int:
        """The number of the newest picture, from 1 on."""
        return self._picture_number

    def show(self, pictures: Mapping[View, bytes]) -> None:
        """Replace the picture, in all views; who has not taken the last one will not see it."""
        with self._lock:
            self._pictures = pictures
            self._picture_number += 1
            self._wake(self._wants_picture)

    def tell(self, state: str) -> None:
        """Replace what is known, JSON; the same again is not sent again."""
        with self._lock:
            if state == self._state:
                return
            self._state = state
            self._state_number += 1
            self._wake(lambda _: True)

    def play(self, sound: bytes) -> None:
        """Give a piece of sound to all who listen."""
        with self._lock:
            for seat in self._seats:
                if seat.is_listening:
                    seat.sounds.append(sound)
            self._wake(lambda seat: seat.is_listening)

    def trace(self, spectra: bytes) -> None:
        """Give columns of the spectrograms to all who follow them."""
        with self._lock:
            for seat in self._seats:
                if seat.is_following:
                    seat.spectra.append(spectra)
            self._wake(lambda seat: seat.is_following)

    def enter(self, hang_up: HangUp) -> Seat | None:
        """A place for one more viewer, who is let go by `hang_up`; None when there is none."""
        with self._lock:
            if self._is_closed or len(self._seats) >= MOST_VIEWERS:
                return None
            seat = Seat(hang_up, Condition(self._lock))
            self._seats.append(seat)
            return seat

    def leave(self, seat: Seat) -> None:
        """One viewer less."""
        with self._lock:
            seat.has_left = True
            if seat in self._seats:
                self._seats.remove(seat)
            seat.changed.notify_all()

    def seen(self, seat: Seat, number: int) -> None:
        """The pictures up to `number` came."""
        with self._lock:
            while seat.unseen and seat.unseen[0][0] <= number:
                way_ns = float(self._now_ns - seat.unseen.popleft()[1])
                before_ns = way_ns if seat.way_ns is None else seat.way_ns
                seat.way_ns = before_ns + _FOLLOW * (way_ns - before_ns)
            if self._wants_picture(seat):
                seat.changed.notify_all()

    def listen(self, seat: Seat, *, wants: bool) -> None:
        """A viewer wants sound, or no more."""
        with self._lock:
            seat.is_listening = wants
            seat.sounds.clear()

    def look(self, seat: Seat, view: View) -> None:
        """A viewer wants pictures in this view, from the next on."""
        with self._lock:
            seat.view = view

    def follow(self, seat: Seat, *, wants: bool) -> None:
        """A viewer wants spectrograms, or no more."""
        with self._lock:
            seat.is_following = wants
            seat.spectra.clear()

    def answer(self, seat: Seat, note: str) -> None:
        """Say something to one viewer, JSON; of several answers the last."""
        with self._lock:
            seat.note = note
            seat.changed.notify_all()

    def next(self, seat: Seat, timeout_s: float) -> list[Parcel] | None:
        """What is due to a viewer, [] when nothing is for so long, None when all is over."""
        with self._lock:
            seat.changed.wait_for(lambda: self._is_over(seat) or self._is_due(seat), timeout_s)
            return None if self._is_over(seat) else self._due(seat)

    def release_stalled(self, now_ns: int) -> int:
        """Let go who has taken no picture for too long; how many. To be called at every step."""
        latest_ns = now_ns - round(STALL_TIMEOUT_S * NS_PER_S)
        with self._lock:
            self._now_ns = now_ns
            stalled = [
                seat for seat in self._seats if seat.unseen and seat.unseen[0][1] < latest_ns
            ]
        for seat in stalled:
            self.leave(seat)
            seat.hang_up()
        return len(stalled)

    def close(self) -> None:
        """Let all viewers go."""
        with self._lock:
            self._is_closed = True
            self._wake(lambda _: True)

    def _wake(self, whom: Callable[[Seat], bool]) -> None:
        for seat in self._seats:
            if whom(seat):
                seat.changed.notify_all()

    def _is_over(self, seat: Seat) -> bool:
        return self._is_closed or seat.has_left

    def _wants_picture(self, seat: Seat) -> bool:
        is_new = self._picture_number > seat.shown and seat.view in self._pictures
        return is_new and len(seat.unseen) < MOST_ON_THEIR_WAY

    def _is_due(self, seat: Seat) -> bool:
        return bool(
            seat.sounds
            or seat.spectra
            or seat.note is not None
            or self._state_number > seat.told
            or self._wants_picture(seat)
        )

    def _due(self, seat: Seat) -> list[Parcel]:
        parcels: list[Parcel] = list(seat.sounds)  # sound first: it is what must not be late
        seat.sounds.clear()
        if seat.note is not None:
            parcels.append(seat.note)
            seat.note = None
        if self._state_number > seat.told:
            parcels.append(self._state)
            seat.told = self._state_number
        parcels += seat.spectra
        seat.spectra.clear()
        if self._wants_picture(seat):
            parcels.append(self._pictures[seat.view])
            seat.shown = self._picture_number
            seat.unseen.append((self._picture_number, self._now_ns))
        return parcels
