"""What a recording that begins in the middle of a run is given of the time before it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from realtime.desk import NETWORKS, Present
from realtime.messages import AudioChunk, End, Message, Streams, VideoFrame
from realtime.sinks.carrier import Carrier
from realtime.sinks.session import SessionInfo
from realtime.stage import Inputs

MOST_EARLIER_FRAMES = 32  # that are kept, as their sound has not come yet


class LeadIn:
    """Remembers all that comes for as long as it may be wanted.

    A recording begins with streams that were captured a while ago: the pictures of that time have
    come already, and so has the sound itself.
    """

    def __init__(self, info: SessionInfo) -> None:
        """`info` is what the run began with."""
        self._model = info.model
        self._engines = dict(info.engines)
        self._carrier = Carrier()
        self._frames: deque[VideoFrame] = deque(maxlen=MOST_EARLIER_FRAMES)
        self._heard_ns = 0  # when what is heard was captured
        self._ended: dict[str, End] = {}

    @property
    def info(self) -> SessionInfo:
        """What runs now."""
        return SessionInfo(model=self._model, engines=dict(self._engines))

    @property
    def ends(self) -> Mapping[str, End]:
        """Of the topics that have ended."""
        return self._ended

    def remember(self, inputs: Inputs) -> None:
        """All that came in a step."""
        for topic, messages in inputs.items():
            for message in messages:
                if isinstance(message, End):
                    self._ended[topic] = message
                elif isinstance(message, Present) and message.part in NETWORKS:
                    self._engines[message.part] = message.name
                elif topic == "audio":
                    self._carrier.hear(message)
                elif isinstance(message, Streams):
                    self._heard_ns = message.capture_ns
                elif isinstance(message, VideoFrame):
                    self._frames.append(message)
        while len(self._frames) > 1 and self._frames[1].capture_ns <= self._heard_ns:
            self._frames.popleft()

    def mixture(self, first_sample: int, stop_sample: int, rate_hz: int) -> Streams | None:
        """The sound itself, as streams without objects; None where it is not known any more."""
        return self._carrier.carry(first_sample, stop_sample, rate_hz)

    def before(self, first_sample: int, rate_hz: int) -> dict[str, list[Message]]:
        """What has come, by topic, and belongs to the time of ``first_sample`` and later."""
        given: dict[str, list[Message]] = {"video": [*self._frames], "audio": []}
        known = self._carrier.carry(first_sample, self._carrier.stop, rate_hz)
        if known is not None:
            given["audio"].append(
                AudioChunk(
                    stream=known.stream,
                    sequence=0,
                    capture_ns=known.capture_ns,
                    first_sample=known.first_sample,
                    rate_hz=known.rate_hz,
                    samples=known.samples[0],
                )
            )
        for topic, end in self._ended.items():
            given.setdefault(topic, []).append(end)
        return given
