"""Sound in pieces that end where a column of the transform is complete.

Devices give sound in short blocks, so that none is late, and every block is a message to all who
hear it. But nothing can be divided before a column is complete (:mod:`pixelplayer.stft`): blocks
that come between are only work. They wait for the one that completes a column, which comes no later
than it would alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pixelplayer.spec import Analysis
from realtime.clock import NS_PER_MS, NS_PER_S, Clock
from realtime.messages import AudioChunk, Message
from realtime.sources.pacing import LONGEST_WAIT_S
from realtime.sources.wrapped import Wrapped
from realtime.stage import Inputs, Outputs, Stage

_EARLY_NS = NS_PER_MS  # awake before the earliest that a block has come so far
_FORGOTTEN_NS = NS_PER_MS // 20  # that the earliest is taken to be later with every piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The samples behind which a column is complete: ``phase``, and every ``hop`` from there.

    Both what is listened to and, of up to four hops, what is divided (``stft.low_delay``).
    """

    hop: int
    phase: int

    @classmethod
    def of(cls, analysis: Analysis) -> Columns:
        """Of a transform."""
        return cls(hop=analysis.hop, phase=analysis.n_fft // 2 % analysis.hop)

    def complete(self, stop: int) -> int:
        """How many are, once all samples before ``stop`` are there."""
        return (stop - self.phase) // self.hop

    def missing(self, stop: int) -> int:
        """Samples until one more is."""
        return self.hop - (stop - self.phase) % self.hop


class Gathered(Wrapped):
    """Another source, its sound in longer pieces; all else passes at once.

    Args:
        source: numbers its samples as the run does.
        columns: at a sample rate.
        clock: rests on it while no column can be complete, where the source itself would look again
            and again; None where it waits by itself.
    """

    def __init__(
        self, source: Stage, columns: Callable[[int], Columns], clock: Clock | None = None
    ) -> None:
        super().__init__(source)
        self._columns = columns
        self._clock = clock
        self._held: list[AudioChunk] = []
        self._late_ns: int | None = None  # the least from a sample's capture until it was here
        self._due_ns: int | None = None  # when the next column is complete, here

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What the source gives; of sound, whole pieces."""
        self._rest(now_ns)
        outputs: list[tuple[str, Message]] = []
        for topic, message in self._source.step(now_ns, inputs):
            if isinstance(message, AudioChunk):
                outputs += self._take(message)
                continue
            if topic == "audio":  # a gap, or the end
                outputs += self._give()
                self._due_ns = None
            outputs.append((topic, message))
        return outputs

    def _rest(self, now_ns: int) -> None:
        if self._clock is None or self._due_ns is None:
            return
        rest_s = (self._due_ns - _EARLY_NS - now_ns) / NS_PER_S
        self._clock.sleep_s(min(rest_s, LONGEST_WAIT_S))

    def _take(self, chunk: AudioChunk) -> list[tuple[str, Message]]:
        given = [] if self._follows(chunk) else self._give()
        self._held.append(chunk)
        columns, stop = self._columns(chunk.rate_hz), _stop(chunk)
        self._expect(chunk, columns.missing(stop))
        if columns.complete(stop) > columns.complete(self._held[0].first_sample):
            given += self._give()
        return given

    def _follows(self, chunk: AudioChunk) -> bool:
        if not self._held:
            return True
        last = self._held[-1]
        return (last.rate_hz, _stop(last)) == (chunk.rate_hz, chunk.first_sample)

    def _give(self) -> list[tuple[str, Message]]:
        """All that waits, as one piece."""
        if not self._held:
            return []
        first, held = self._held[0], self._held
        self._held = []
        if len(held) == 1:
            return [("audio", first)]
        samples = np.concatenate([chunk.samples for chunk in held])
        return [("audio", replace(first, samples=samples))]

    def _expect(self, chunk: AudioChunk, missing: int) -> None:
        """When the next column will be complete, by the quickest that a sample came so far."""
        if self._clock is None:
            return
        length = chunk.samples.size
        end_ns = chunk.capture_ns + length * NS_PER_S // chunk.rate_hz
        late_ns = self._clock.now_ns() - end_ns
        if self._late_ns is not None:
            late_ns = min(late_ns, self._late_ns + _FORGOTTEN_NS)
        self._late_ns = late_ns
        self._due_ns = end_ns + missing * NS_PER_S // chunk.rate_hz + late_ns


def _stop(chunk: AudioChunk) -> int:
    return chunk.first_sample + int(chunk.samples.size)
