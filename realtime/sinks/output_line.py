"""A speaker at one sample rate: in which shape, and at which pace, sound is given to its device.

When a piece is to be heard is decided by :mod:`realtime.sinks.playout`, and what is heard by the
stage; here it is made longer or shorter, kept from howling, and written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S
from realtime.device_life import DeviceLife
from realtime.messages import Streams
from realtime.sinks.drift import Drift, Stretch
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.mixer import Mixer, PanLaw
from realtime.sinks.output import Output
from realtime.sinks.playout import Correction, Playout, PlayoutSettings
from realtime.sinks.splice import fade_in, lengthen, most_that_fits, shorten


@dataclass(slots=True)
class Losses:
    """What of the sound was not heard as it came, over every device of a run."""

    gaps: int = 0  # times that the device found nothing
    lost_samples: int = 0
    late_samples: int = 0  # left out, as their time had passed
    refused_samples: int = 0  # for which the queue had no room
    trimmed_samples: int = 0  # cross-faded away
    padded_samples: int = 0
    carried_samples: int = 0  # of the mixture, in the place of streams


class OutputLine:
    """The device, and what was heard on it last; one that comes back is taken as it comes."""

    def __init__(
        self,
        rate_hz: int,
        life: DeviceLife[Output],
        *,
        pan_law: PanLaw,
        playout: PlayoutSettings,
        losses: Losses,
        guard: Callable[[int], FeedbackGuard] | None = None,
    ) -> None:
        """`guard` makes what keeps the device from howling, once there is one that plays."""
        self.rate_hz = rate_hz
        self.mixer = Mixer(rate_hz, pan_law)
        self.playout = Playout(rate_hz, playout)
        self.life = life
        self.guard: FeedbackGuard | None = None
        self.faster_ppm = 0.0  # that the device was played at last
        self._losses = losses
        self._make_guard = guard
        self._guarded_stop: int | None = None  # the sample behind what it was given last
        self._drift = Drift(rate_hz)
        self._stretch = Stretch(2)
        self._underflows = 0
        self._device_underflows = 0
        self._heard_on = life.begin()
        self._guard_it()

    @property
    def output(self) -> Output | None:
        """The device; None while it is gone."""
        return self.life.device

    @property
    def queued_samples(self) -> int:
        """That wait for the device; none where there is none."""
        output = self.output
        return output.queued_samples if output is not None and output.active else 0

    @property
    def device_delay_s(self) -> float:
        """From leaving the queue to being heard."""
        output = self.output
        return output.output_latency_s if output is not None and output.active else 0.0

    def living(self, now_ns: int) -> Output | None:
        """The device as it is now, looked after; None while it is gone."""
        output = self.life.poll(now_ns)
        if output is not None and output is not self._heard_on:
            self._heard_on = output
            self._guard_it()
            self._underflows = self._device_underflows = 0
            self.playout.restart()
            self._stretch.reset()
        return output

    def notice(self, output: Output) -> None:
        """See whether something was missing since the last piece."""
        if output.underflows > self._underflows and self.playout.has_begun:
            self._losses.gaps += 1  # one silence is many callbacks
        self._underflows = output.underflows
        if output.device_underflows > self._device_underflows:
            self.playout.ran_dry()
        self._device_underflows = output.device_underflows

    def placed(self, output: Output, first_sample: int, piece: int, delay_ns: int) -> Correction:
        """What to do with `piece` samples, to be heard `delay_ns` after they were captured."""
        end = output.end_samples
        if end is None:
            return Correction()
        delay = delay_ns * self.rate_hz // NS_PER_S
        return self.playout.next(first_sample, piece, output.queued_samples, end, delay)

    def pace(self, output: Output, correction: Correction, piece: int) -> float:
        """Parts per million by which to play the piece faster, for the sake of two clocks."""
        # What is late and left out leaves all that follows where it was.
        if correction.silence or not self.playout.is_steady:
            self._drift.again()
        wanted = round(self.playout.target_s * self.rate_hz)
        return self._drift.feed(output.queued_samples, piece, wanted)

    def interrupted(self) -> None:
        """What comes next is no piece of the streams: it tells nothing of the clocks."""
        self._drift.again()

    def anew(self, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        """A piece that does not follow the one before begins softly."""
        self._stretch.reset()
        return fade_in(mix, self.rate_hz)

    def guarded(
        self, mix: NDArray[np.float32], streams: Streams, skipped: int, latency_ms: float
    ) -> NDArray[np.float32]:
        """The mix as it may be played where the microphone may hear it.

        Nothing goes to the device past this: neither the mixture nor what leads out of it.
        """
        if self.guard is None:
            return mix
        first = streams.first_sample + skipped
        if self._guarded_stop not in (None, first):
            self.guard.cut()
        self._guarded_stop = first + mix.shape[1]
        delay = round(latency_ms / 1000 * self.rate_hz) if latency_ms else None
        heard = streams.samples[:, skipped:].sum(axis=0)
        return self.guard.feed(mix, heard, max(streams.gains), delay)

    def corrected(self, mix: NDArray[np.float32], correction: Correction) -> NDArray[np.float32]:
        """A little longer or shorter, without a click, as far as the piece allows."""
        before = mix.shape[1]
        most = most_that_fits(before, self.rate_hz)
        by = min(max(correction.shorten, correction.lengthen), most)
        if by == 0:
            return mix
        if correction.shorten:
            mix = shorten(mix, by, self.rate_hz)
            self._losses.trimmed_samples += before - mix.shape[1]
        else:
            mix = lengthen(mix, by, self.rate_hz)
            self._losses.padded_samples += mix.shape[1] - before
        self.playout.moved(mix.shape[1] - before)
        return mix

    def write(self, output: Output, mix: NDArray[np.float32], faster_ppm: float) -> None:
        """Queue a piece, at the pace of the device's clock."""
        stretched = self._stretch.feed(mix, faster_ppm)
        self.playout.drifted(stretched.shape[1] - mix.shape[1])
        accepted = output.write(np.ascontiguousarray(stretched.T))
        self._losses.refused_samples += stretched.shape[1] - accepted
        self.faster_ppm = faster_ppm

    def _guard_it(self) -> None:
        """Where nothing is played, nothing can howl."""
        plays = self._heard_on.end_samples is not None
        if self.guard is None and self._make_guard is not None and plays:
            self.guard = self._make_guard(self.rate_hz)
