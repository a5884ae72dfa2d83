"""Every object's sound for other programs, each on an output of its own."""

from __future__ import annotations

from collections.abc import Mapping

from realtime.clock import NS_PER_S
from realtime.messages import End, Streams
from realtime.sinks.outputs.ports import Ports
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.outputs.track import Track
from realtime.stage import Inputs, Outputs, State

LONGEST_DRAIN_S = 2.0


class ObjectOutputs:
    """Stage: reads `audio` and `streams`, gives them to who listens at :class:`Ports`."""

    def __init__(self, slots: Slots, ports: Ports) -> None:
        """`ports` has a channel per slot, and one for the residual."""
        self._slots = slots
        self._ports = ports
        self._track = Track(slots)
        self._ends_at_ns: int | None = None
        self._finished = False

    def open(self) -> None:
        """Listen.

        Raises:
            DeviceError: a port is in use.
        """
        self._ports.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Give what has arrived to all who take it; nothing is emitted."""
        for message in inputs.get("audio", ()):
            self._track.hear(message)
        for message in inputs.get("streams", ()):
            if isinstance(message, Streams):
                self._give(message)
            elif isinstance(message, End):
                self._ends_at_ns = now_ns + round(LONGEST_DRAIN_S * NS_PER_S)
        self._ports.poll()
        if self._ends_at_ns is not None:
            self._finished = self._ports.has_given_all or now_ns >= self._ends_at_ns
        return ()

    def state(self) -> State:
        """Which object has which slot."""
        return self._slots.state()

    def resume(self, state: State) -> None:
        """Keep the slots as they were."""
        self._slots.resume(dict(state))

    @property
    def finished(self) -> bool:
        """True after the end of the streams, when all is sent or those who listen take nothing."""
        return self._finished

    def close(self) -> None:
        """Let all go."""
        self._ports.close()

    def stats(self) -> Mapping[str, float]:
        """Who listens; what was filled, cut and lost, in samples; objects without a slot."""
        return {
            **self._ports.stats(),
            "filled_samples": self._track.filled_samples,
            "cut_samples": self._track.cut_samples,
            "objects_without": len(self._slots.without),
        }

    def _give(self, streams: Streams) -> None:
        rows = self._track.feed(streams)
        if rows is None:
            return
        self._ports.begin(streams.rate_hz)
        self._ports.poll()  # who has come since then begins here
        self._ports.give(rows)
