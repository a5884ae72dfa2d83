"""The eye: a feature map of every picture that is worth looking at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pixelplayer.shots import Shots
from pixelplayer.spec import VisionSpec
from realtime.engine_slices import EngineSlices
from realtime.messages import End, Message, SightMap, VideoFrame
from realtime.picks import Picks
from realtime.stage import Inputs, Outputs, State
from realtime.stages.eyes import Eyes, Floats, OpenVision
from realtime.telemetry import EngineSlice

CLOSER_EVERY = 4


class Sight:
    """Topic ``video`` in, topic ``sight`` out.

    Only some pictures are looked at (:class:`realtime.picks.Picks`): which
    ones depends on their capture times alone, so a file gives the same maps on every machine. A
    closer look has four times as many pixels: it is taken at every ``CLOSER_EVERY``-th of these,
    and at the first of a shot, and stands for those after it.
    """

    def __init__(
        self, open_engine: OpenVision, spec: VisionSpec, slices: EngineSlices | None = None
    ) -> None:
        """``slices`` is what the engines tell of their work, in a profiled run."""
        self._slices = slices
        self._picks = Picks(spec.rate_hz)
        self._eyes = Eyes(open_engine, spec)
        self._stride_px = spec.stride_px
        self._shots = Shots(spec.stride_px)
        self._closer: list[Floats] = []
        self._closer_shot: int | None = None
        self._shot = 0
        self._since_closer = 0  # pictures
        self._sequence = 0
        self._skipped = 0
        self._finished = False

    def open(self) -> None:
        """Load the visual network."""
        self._eyes.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """A map for every picture picked; the end after the end."""
        outputs: list[tuple[str, Message]] = []
        for message in inputs.get("video", ()):
            if isinstance(message, VideoFrame):
                if self._picks.picks(message.capture_ns):
                    outputs.append(("sight", self._look(message)))
                    self._sequence += 1
                else:
                    self._skipped += 1
            elif isinstance(message, End):
                end = End(stream=message.stream, sequence=self._sequence, topic="sight")
                outputs.append(("sight", end))
                self._finished = True
        return outputs

    @property
    def finished(self) -> bool:
        """Whether the pictures have ended."""
        return self._finished

    def close(self) -> None:
        """Unload the network."""
        self._eyes.close()

    def stats(self) -> Mapping[str, float]:
        """Pictures looked at and passed over."""
        return {"maps_count": self._sequence, "skipped_frames": self._skipped}

    def engine_slices(self) -> Sequence[EngineSlice]:
        """When the network was at work since the last call, in a profiled run."""
        return [] if self._slices is None else self._slices.take()

    def state(self) -> State:
        """Which shot it is: another number would end all objects."""
        return {"shot": self._shot}

    def resume(self, state: State) -> None:
        """Take the picture that comes for one of the same shot; what was seen is in the maps."""
        self._shot = int(state["shot"])
        self._shots = Shots(self._stride_px, self._shot)

    def _look(self, frame: VideoFrame) -> SightMap:
        shown, first = self._eyes.glance(frame.pixels)
        shot = self._shot = self._shots.feed(shown)
        self._since_closer += 1
        if shot != self._closer_shot or self._since_closer == CLOSER_EVERY:
            self._closer = self._eyes.look_closer(frame.pixels)
            self._closer_shot, self._since_closer = shot, 0
        return SightMap(
            stream=frame.stream,
            sequence=self._sequence,
            capture_ns=frame.capture_ns,
            frame_sequence=frame.sequence,
            shot=shot,
            features=np.stack([first, *self._closer]),
        )
