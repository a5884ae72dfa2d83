"""A stage that is on another host, as a stage of this run: what arrives is sent there.

While that host cannot be reached it takes what comes and says nothing, so the rest of the run goes
on: of sight, masks age; the sound is made of what is here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from realtime.clock import NS_PER_S, Clock
from realtime.errors import DeviceError, UsageError
from realtime.graph import STAGES, TOPICS
from realtime.messages import End, Message, SightMap
from realtime.remote.caller import Caller
from realtime.remote.letters import Failed, Finished, Parcel, Refused, Taken, Worked
from realtime.remote.lighter import Lighter
from realtime.remote.packing import pack, unpack
from realtime.remote.window import Window
from realtime.reports import EXIT_DEVICE, EXIT_USAGE
from realtime.stage import Inputs, Outputs, State
from realtime.telemetry import SPANS_KEPT, EngineSlice
from realtime.wire import WireError

UNREACHABLE_S = 10.0  # at the start; later it is waited for as long as it takes
LAST_WORDS_S = 2.0  # for what is still on its way at the end
_LOOK_S = 0.02


class Away:
    """The stage ``name`` at ``host``; ``call`` begins to call there."""

    def __init__(
        self, name: str, host: str, call: Callable[[], Caller], lighter: Lighter, clock: Clock
    ) -> None:
        self._name = name
        self._host = host
        self._call = call
        self._lighter = lighter
        self._clock = clock
        self._caller: Caller | None = None
        entry = STAGES[name]
        self._windows = {topic: Window(topic) for topic in entry.reads}
        self._open_reads = {topic for topic in entry.reads if TOPICS[topic].is_data}
        self._writes = entry.writes
        self._shot = self._shots_before = 0
        self._ended_ns: int | None = None
        self._away_since_ns: int | None = None
        self._away_ns = 0
        self._cuts = 0
        self._refused = 0
        self._slices: list[EngineSlice] = []
        self._sent_bytes = 0
        self._got_bytes = 0
        self._finished = False

    def open(self) -> None:
        """Call, and wait until the stage is open there.

        Raises:
            UsageError: it is refused.
            DeviceError: nobody answers, or the stage cannot be opened there.
        """
        self._caller = self._call()
        until_ns = self._clock.now_ns() + round(UNREACHABLE_S * NS_PER_S)
        while not (standing := self._caller.standing).is_ready:
            if standing.failure is not None:
                raise self._error(standing.failure)
            if standing.state != "calling":
                until_ns = self._clock.now_ns() + round(UNREACHABLE_S * NS_PER_S)
            if self._clock.now_ns() > until_ns:
                raise DeviceError(
                    f"{self._name}: {self._host} does not answer; start there: python -m realtime "
                    "serve, and see that its port can be reached"
                )
            self._clock.sleep_s(_LOOK_S)

    def _error(self, failure: Refused | Failed) -> Exception:
        text = f"{self._name}: {self._host} refuses: {failure.text}"
        if failure.exit_code == EXIT_USAGE:
            return UsageError(text)
        if failure.exit_code == EXIT_DEVICE:
            return DeviceError(text)
        return RuntimeError(text)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What has come back; what came here is sent, as far as it goes."""
        assert self._caller is not None
        self._watch(now_ns)
        outputs = self._arrived()
        for topic, messages in inputs.items():
            for message in messages:
                self._offer(now_ns, topic, message)
        if self._caller.standing.is_ready:
            self._send()
        elif self._ended_ns is not None:
            self._finished = True  # nobody is there to say more
        if self._ended_ns is not None and now_ns - self._ended_ns > LAST_WORDS_S * NS_PER_S:
            self._finished = True
        return outputs

    def _watch(self, now_ns: int) -> None:
        """Notice that the way there was cut, and for how long."""
        assert self._caller is not None
        standing = self._caller.standing
        if standing.cuts != self._cuts:
            self._cuts = standing.cuts
            for window in self._windows.values():
                window.cut()
        if not standing.is_ready:
            self._away_since_ns = self._away_since_ns or now_ns
        elif self._away_since_ns is not None:
            self._away_ns += now_ns - self._away_since_ns
            self._away_since_ns = None

    def _arrived(self) -> list[tuple[str, Message]]:
        assert self._caller is not None
        outputs: list[tuple[str, Message]] = []
        for letter in self._caller.arrived():
            if isinstance(letter, Finished):
                self._finished = self._ended_ns is not None
            elif isinstance(letter, Taken):
                if letter.topic in self._windows:
                    self._windows[letter.topic].taken(letter.count)
            elif isinstance(letter, Worked):
                room = SPANS_KEPT - len(self._slices)
                self._slices += letter.slices[:room]
            else:
                outputs += self._unpacked(letter)
        return outputs

    def _unpacked(self, parcel: Parcel) -> list[tuple[str, Message]]:
        try:
            if parcel.topic not in self._writes:
                raise WireError(f"{self._name} does not write {parcel.topic}")
            message = unpack(parcel.topic, parcel.parts)
        except WireError:
            self._refused += 1
            return []
        if isinstance(message, End) and self._ended_ns is None:
            return []  # the run is not over because that host says so
        self._got_bytes += sum(map(len, parcel.parts))
        if isinstance(message, SightMap):
            self._shot = message.shot + self._shots_before
            message = dataclasses.replace(message, shot=self._shot)
        return [(parcel.topic, message)]

    def _offer(self, now_ns: int, topic: str, message: Message) -> None:
        if isinstance(message, End):
            self._open_reads.discard(topic)
            if not self._open_reads and self._ended_ns is None:
                self._ended_ns = now_ns
        light = self._lighter.of(message)
        if light is not None:
            self._windows[topic].offer(light)

    def _send(self) -> None:
        assert self._caller is not None
        for topic, window in self._windows.items():
            for message in window.due():
                parts = pack(topic, message)
                if self._caller.send(Parcel(topic=topic, parts=parts)):
                    self._sent_bytes += sum(map(len, parts))
                else:
                    window.lost()

    @property
    def finished(self) -> bool:
        """Whether the stage there has said its end, or cannot any more."""
        return self._finished

    def engine_slices(self) -> Sequence[EngineSlice]:
        """When engines were at work there, as that host said since the last call."""
        slices, self._slices = self._slices, []
        return [
            (f"{engine} at {self._host}", part, start_ns, stop_ns)
            for engine, part, start_ns, stop_ns in slices
        ]

    def state(self) -> State:
        """Which shot it is: another number would end all objects."""
        return {"shot": self._shot}

    def resume(self, state: State) -> None:
        """Count shots on from that one: the stage there begins anew."""
        self._shot = self._shots_before = int(state["shot"])

    def close(self) -> None:
        """Hang up."""
        if self._caller is not None:
            self._caller.close()
            self._caller = None

    def stats(self) -> Mapping[str, float]:
        """What the stage there tells, and how the way there is."""
        if self._caller is None:
            return {}
        standing, now_ns = self._caller.standing, self._clock.now_ns()
        since_ns = now_ns if self._away_since_ns is None else self._away_since_ns
        values = {
            **standing.numbers,
            "away_s": (now_ns - since_ns) / NS_PER_S,
            "away_total_s": (self._away_ns + now_ns - since_ns) / NS_PER_S,
            "cuts": standing.cuts,
            "refused_letters": standing.refused + self._refused,
            "unsent": sum(window.dropped for window in self._windows.values()),
            "sent_kb": self._sent_bytes / 1000,
            "got_kb": self._got_bytes / 1000,
        }
        if standing.round_trip_ms is not None:
            values["round_trip_ms"] = standing.round_trip_ms
        return values
