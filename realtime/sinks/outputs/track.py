"""The streams as one unbroken track of slots, whatever was lost on the way. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.messages import Message, Streams
from realtime.options import Tap
from realtime.sinks.carrier import Carrier
from realtime.sinks.outputs.faders import Faders
from realtime.sinks.outputs.slots import Slots

LONGEST_FILL_S = 2.0  # as long as a stage may take to be replaced


class Track:
    """Feed it topics ``audio`` and ``streams``; it gives ``(slots + 1, n)``, the residual last.

    Before the faders the rows sum to the mixture: an object without a slot is in the residual's
    row. Places between the ears are not applied. A hole in the streams is filled with the mixture,
    in the residual's row, where that is known, else with silence; what comes twice is left out the
    second time.
    """

    def __init__(self, slots: Slots, tap: Tap = "pre-fader") -> None:
        """``tap``: whether the sound is taken before or behind the gains."""
        self._slots = slots
        self._tap = tap
        self._faders: Faders | None = None
        self._carrier = Carrier()
        self._next_sample: int | None = None
        self.rate_hz: int | None = None
        self.filled_samples = 0
        self.cut_samples = 0  # of holes longer than LONGEST_FILL_S

    def hear(self, message: Message) -> None:
        """The next of topic ``audio``."""
        self._carrier.hear(message)

    def feed(self, streams: Streams) -> NDArray[np.float32] | None:
        """What follows: ``(slots + 1, n)``; None where all of it was there before."""
        if streams.rate_hz != self.rate_hz:
            self.rate_hz, self._next_sample = streams.rate_hz, None
            self._faders = Faders(streams.rate_hz) if self._tap == "post-fader" else None
        self._slots.settle(streams.object_ids)
        first, length = streams.first_sample, streams.samples.shape[1]
        wanted = first if self._next_sample is None else self._next_sample
        if first + length <= wanted:
            return None
        self._carrier.follow(streams)
        rows = self._rows(streams)[:, max(wanted - first, 0) :]
        if first > wanted:
            rows = np.concatenate([self._filled(wanted, first), rows], axis=1)
        self._next_sample = first + length
        return rows

    def _rows(self, streams: Streams) -> NDArray[np.float32]:
        rows = np.zeros((self._slots.count + 1, streams.samples.shape[1]), np.float32)
        heard = streams.samples if self._faders is None else self._faders.feed(streams)
        for object_id, samples in zip((*streams.object_ids, None), heard, strict=True):
            slot = None if object_id is None else self._slots.slot_of(object_id)
            rows[-1 if slot is None else slot - 1] += samples
        return rows

    def _filled(self, first: int, stop: int) -> NDArray[np.float32]:
        assert self.rate_hz is not None
        kept = min(stop - first, round(LONGEST_FILL_S * self.rate_hz))
        self.cut_samples += stop - first - kept
        self.filled_samples += kept
        rows = np.zeros((self._slots.count + 1, kept), np.float32)
        carried = self._carrier.carry(stop - kept, stop, self.rate_hz)
        if carried is not None:
            gain = 1.0 if self._faders is None else carried.gains[0]
            rows[-1] = carried.samples[0] * np.float32(gain)
        return rows
