"""One stage that runs here for a player elsewhere, in a thread of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from queue import Empty, Full, Queue
from threading import Event, Thread

from realtime.clock import NS_PER_S, Clock
from realtime.graph import STAGES, TOPICS
from realtime.messages import End, Message
from realtime.remote.letters import (
    MOST_NUMBERS,
    MOST_SLICES,
    Failed,
    Finished,
    Hello,
    Letter,
    Numbers,
    Parcel,
    Ready,
    Taken,
    Worked,
    write,
)
from realtime.remote.line import Slot
from realtime.remote.packing import pack, unpack
from realtime.reports import EXIT_FAILED, failure
from realtime.stage import Stage, Watched
from realtime.telemetry import EngineSlice, Histogram
from realtime.wire import WireError

TICK_S = 0.02
MOST_WAITING = 200  # parcels; a player that keeps to its windows never comes near
NUMBERS_EVERY_NS = NS_PER_S
_SLEPT_NS = NS_PER_S  # a clock that is this much behind was set anew

Make = Callable[[Hello, Clock], Stage]


class PlayersClock:
    """The player's clock, as far as it is known here: a stage lives in the time of its run.

    So no instant in any message is changed on the way there or back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ns: int | None = None
        self._last_ns = 0

    def tell(self, ahead_ns: int) -> None:
        """How much this host's clock is ahead of the player's."""
        self._ahead_ns = ahead_ns

    @property
    def is_told(self) -> bool:
        """Whether it is known."""
        return self._ahead_ns is not None

    def now_ns(self) -> int:
        """Nanoseconds on the player's clock; does not go back when its difference is corrected."""
        now_ns = self._clock.now_ns() - (self._ahead_ns or 0)
        if 0 < self._last_ns - now_ns < _SLEPT_NS:
            return self._last_ns
        self._last_ns = now_ns
        return now_ns

    def sleep_s(self, duration_s: float) -> None:
        """Wait; returns at once for a duration <= 0."""
        self._clock.sleep_s(duration_s)


class Session:
    """Lives from a player's first hello to its bye, to an error, or to a long silence.

    ``caller`` is the connection that the player has now; after a cut it has another one. ``slot``
    is where all is left that is said; it is the session's own.
    """

    def __init__(self, hello: Hello, caller: bytes, make: Make, slot: Slot, clock: Clock) -> None:
        self.hello = hello
        self.caller = caller
        self.clock = PlayersClock(clock)
        self.heard_ns = clock.now_ns()
        self.is_ready = False
        self.refused = 0  # parcels that were none, or too many
        self._make = make
        self._slot = slot
        self._parcels: Queue[Parcel] = Queue(MOST_WAITING)
        self._left = Event()
        self._steps, self._ages = Histogram(), Histogram()
        self._numbers_at_ns = 0
        self._thread = Thread(target=self._live, name=f"{hello.stage} for others", daemon=True)
        self._thread.start()

    def give(self, parcel: Parcel) -> None:
        """Something for the stage."""
        if parcel.topic not in STAGES[self.hello.stage].reads:
            self.refused += 1
            return
        try:
            self._parcels.put_nowait(parcel)
        except Full:
            self.refused += 1

    def leave(self) -> None:
        """End soon."""
        self._left.set()

    @property
    def is_over(self) -> bool:
        """Whether the thread is gone, and the stage with it."""
        return not self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)

    # -- the thread -------------------------------------------------------------------------------

    def _live(self) -> None:
        stage: Stage | None = None
        try:
            stage = self._make(self.hello, self.clock)
            stage.open()
            self.is_ready = True
            self._say(Ready())
            self._work(stage)
        except Exception as error:  # noqa: BLE001 - the player is told, and others go on
            report = failure(self.hello.stage, error)
            if report.exit_code == EXIT_FAILED:
                traceback.print_exc()
            self._say(Failed(text=report.text[:400], exit_code=report.exit_code))
        finally:
            self.is_ready = False
            if stage is not None:
                stage.close()
            self._slot.close()

    def _work(self, stage: Stage) -> None:
        while not self._left.is_set():
            if not self.clock.is_told:
                self._left.wait(TICK_S)
                continue
            inputs, taken = self._gather()
            start_ns = self.clock.now_ns()
            outputs = stage.step(start_ns, inputs)
            if inputs:
                self._steps.add(self.clock.now_ns() - start_ns)
            for topic, message in outputs:
                self._say(Parcel(topic=topic, parts=pack(topic, message)))
            for topic, count in taken.items():
                self._say(Taken(topic=topic, count=count))
            if start_ns >= self._numbers_at_ns or stage.finished:
                self._numbers_at_ns = start_ns + NUMBERS_EVERY_NS
                self._say(Numbers(values=self._values(stage)))
                if isinstance(stage, Watched):
                    self._say_worked(stage.engine_slices())
            if stage.finished:
                self._say(Finished())
                return

    def _gather(self) -> tuple[dict[str, list[Message]], dict[str, int]]:
        """What has come, by topic; and how much was taken, what is skipped included."""
        inputs: dict[str, list[Message]] = {}
        taken: dict[str, int] = {}
        parcels: list[Parcel] = []
        try:
            parcels.append(self._parcels.get(timeout=TICK_S))
            while len(parcels) < MOST_WAITING:
                parcels.append(self._parcels.get_nowait())
        except Empty:
            pass
        for parcel in parcels:
            taken[parcel.topic] = taken.get(parcel.topic, 0) + 1
            try:
                message = unpack(parcel.topic, parcel.parts)
            except WireError:
                self.refused += 1
                continue
            self._note_age(message)
            inputs.setdefault(parcel.topic, []).append(message)
        return {topic: _newest(topic, items) for topic, items in inputs.items()}, taken

    def _note_age(self, message: Message) -> None:
        capture_ns = getattr(message, "capture_ns", None)
        if capture_ns is not None:
            self._ages.add(self.clock.now_ns() - capture_ns)

    def _values(self, stage: Stage) -> dict[str, float]:
        values = {name: float(value) for name, value in stage.stats().items()}
        values |= self._steps.values("there_") | self._ages.values("there_age_")
        return dict(list(values.items())[:MOST_NUMBERS])

    def _say_worked(self, slices: Sequence[EngineSlice]) -> None:
        for first in range(0, len(slices), MOST_SLICES):
            self._say(Worked(slices=slices[first : first + MOST_SLICES]))

    def _say(self, letter: Letter) -> None:
        self._slot.put([self.caller, *write(letter)])


def _newest(topic: str, messages: list[Message]) -> list[Message]:
    """Of a topic that is worth nothing when it is old the newest, and the end."""
    if TOPICS[topic].when_full != "newest":
        return messages
    ends = [message for message in messages if isinstance(message, End)]
    others = [message for message in messages if not isinstance(message, End)]
    return [*others[-1:], *ends]
