"""When the engines of one stage were at work, for the trace of a profiled run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engines.watching import During
from realtime.clock import Clock
from realtime.telemetry import SPANS_KEPT, EngineSlice


class EngineSlices:
    """``during`` is what the engines of a stage enter; all in the stage's own thread.

    Args:
        clock: whose time the slices have.
        ranges: entered around each part as well.
    """

    def __init__(self, clock: Clock, ranges: During) -> None:
        self._clock = clock
        self._ranges = ranges
        self._step = ""  # that the parts belong to
        self._slices: list[EngineSlice] = []

    @contextmanager
    def during(self, part: str) -> Iterator[None]:
        """See :data:`engines.watching.During`: the outermost is a step, the others its parts."""
        step = self._step
        self._step = step or part
        with self._ranges(part):
            start_ns = self._clock.now_ns()
            try:
                yield
            finally:
                stop_ns = self._clock.now_ns()
                self._step = step
                if len(self._slices) < SPANS_KEPT:
                    self._slices.append((step or part, part if step else "", start_ns, stop_ns))

    def take(self) -> list[EngineSlice]:
        """Those since the last call, each step before its parts."""
        slices, self._slices = self._slices, []
        return sorted(slices, key=lambda one: (one[2], -one[3], one[1]))
