"""Every object for other programs: its sound on an output of its own, its gain at an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from realtime.clock import NS_PER_S
from realtime.messages import Control, End, Scene, Streams
from realtime.sinks.outputs.desk import Desk
from realtime.sinks.outputs.ports import Ports
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.outputs.track import Track
from realtime.stage import Inputs, Outputs, State

LONGEST_DRAIN_S = 2.0


class ObjectOutputs:
    """Stage: reads `audio`, `streams` and `scene`, writes `control`.

    The sound is given to who listens at :class:`Ports`; :class:`Desk` is asked for other gains, and
    tells what there is. Both know objects by the same slots.
    """

    def __init__(
        self,
        track: Track,
        slots: Slots,
        ports: Ports | None = None,
        desk: Desk | None = None,
    ) -> None:
        """`ports` has a channel per slot, and one for the residual; None: nobody listens.

        `track` and `desk` know objects by the same `slots`.
        """
        self._slots = slots
        self._ports = ports
        self._desk = desk
        self._track = track
        self._ends_at_ns: int | None = None
        self._finished = False

    def open(self) -> None:
        """Listen.

        Raises:
            DeviceError: a port is in use.
        """
        for part in (self._ports, self._desk):
            if part is not None:
                part.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Give what has arrived to all who take it; emit what was asked for."""
        for message in inputs.get("audio", ()):
            self._track.hear(message)
        for message in inputs.get("streams", ()):
            if isinstance(message, Streams):
                self._give(message)
            elif isinstance(message, End):
                self._ends_at_ns = now_ns + round(LONGEST_DRAIN_S * NS_PER_S)
        if self._ports is not None:
            self._ports.poll()
        if self._ends_at_ns is not None:
            has_given_all = self._ports is None or self._ports.has_given_all
            self._finished = has_given_all or now_ns >= self._ends_at_ns
        return [("control", control) for control in self._at_desk(now_ns, inputs)]

    def _at_desk(self, now_ns: int, inputs: Inputs) -> Sequence[Control]:
        if self._desk is None:
            return ()
        scenes = [message for message in inputs.get("scene", ()) if isinstance(message, Scene)]
        for scene in scenes[-1:]:
            self._desk.tell(now_ns, scene)
        return self._desk.poll(now_ns)

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
        for part in (self._ports, self._desk):
            if part is not None:
                part.close()

    def stats(self) -> Mapping[str, float]:
        """Who listens; what was filled, cut and lost, in samples; objects without a slot."""
        return {
            **({} if self._ports is None else self._ports.stats()),
            **({} if self._desk is None else self._desk.stats()),
            "filled_samples": self._track.filled_samples,
            "cut_samples": self._track.cut_samples,
            "objects_without": len(self._slots.without),
        }

    def _give(self, streams: Streams) -> None:
        rows = self._track.feed(streams)
        if rows is None or self._ports is None:
            return
        self._ports.begin(streams.rate_hz)
        self._ports.poll()  # who has come since then begins here
        self._ports.give(rows)
