"""The speaker: mixes the streams, keeps a short queue before the device, and tells the delay.

The delay is the true one, from the microphone to the ear: when a sample is queued, the time until
it will be heard (what is queued before it, and the device's own latency) is added to its age.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.device_desk import DeviceDesk
from realtime.device_life import DeviceLife
from realtime.messages import AudioGap, Control, End, Streams
from realtime.sinks.carrier import Carrier, joined
from realtime.sinks.drift import Drift, Stretch
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.feedback.told import feedback_values
from realtime.sinks.mixer import Mixer, PanLaw, equal_power
from realtime.sinks.output import Device, Output
from realtime.sinks.playout import Correction, Playout, PlayoutSettings
from realtime.sinks.splice import fade_in, lengthen, most_that_fits, shorten
from realtime.stage import Inputs, Outputs, State
from realtime.telemetry import Histogram
from realtime.turning import WAIT_S, Turning

LONGEST_DRAIN_S = 2.0
CARRIED_S = 0.020  # of the mixture at a time, in the place of streams that do not come


class _Line:
    """A device at one rate, with what was heard on it."""

    def __init__(
        self,
        rate_hz: int,
        pan_law: PanLaw,
        playout: PlayoutSettings,
        life: DeviceLife[Output],
    ) -> None:
        self.rate_hz = rate_hz
        self.guard: FeedbackGuard | None = None
        self.guarded_stop: int | None = None  # the sample behind what it was given last
        self.mixer = Mixer(rate_hz, pan_law)
        self.playout = Playout(rate_hz, playout)
        self.drift = Drift(rate_hz)
        self.stretch = Stretch(2)
        self.life = life
        self.heard_on = life.begin()
        self.underflows = 0
        self.device_underflows = 0

    @property
    def output(self) -> Output | None:
        """The device; None while it is gone."""
        return self.life.device


def _life(connect: Callable[[], Output]) -> DeviceLife[Output]:
    return DeviceLife("speaker", connect)


class Speaker:
    """Stage: reads `streams`, plays them. For a live run; in `fast` there is nobody to listen.

    Where streams do not come in time, the mixture itself is played in their place, out of `audio`.
    A device that goes away or silent is looked for by its name, and opened again; the run goes on
    without it meanwhile.
    """

    def __init__(
        self,
        device: Device,
        pan_law: PanLaw = equal_power,
        playout: PlayoutSettings | None = None,
        turning: Turning | None = None,
        *,
        guard: Callable[[int], FeedbackGuard] | None = None,
        live: Callable[[Callable[[], Output]], DeviceLife[Output]] = _life,
        other: Callable[[str], Device] | None = None,
        stream: str = "live",
    ) -> None:
        """`turning` follows the dial, where it can be turned; `live` looks after the device.

        `guard` makes what keeps it from howling at a sample rate, where a microphone may hear it.
        `other` finds another by its name, where it may be exchanged while the run goes on; which
        one it is, is told of `stream`.
        """
        self._device = device
        self._turning = turning
        self._guard = guard
        self._live = live
        self._desk = DeviceDesk("speaker", stream, other)
        self._turns: deque[tuple[int, float]] = deque()  # from a sample on, so much later, s
        self._pan_law = pan_law
        self._playout = playout or PlayoutSettings()
        self._line: _Line | None = None
        self._next_sample: int | None = None
        self._carrier = Carrier()
        self._is_carried = False  # what was written last is the mixture itself
        self._ends_at_ns: int | None = None
        self._drained = False
        self._finished = False
        self._latency = Histogram()
        self._latency_ms = 0.0
        self._faster_ppm = 0.0
        self._counts = dict.fromkeys(
            (
                "gaps",
                "lost_samples",
                "late_samples",
                "refused_samples",
                "trimmed_samples",
                "padded_samples",
                "carried_samples",
            ),
            0,
        )

    def open(self) -> None:
        """Find the device; it is started with the first message, at that message's rate.

        Raises:
            DeviceError: there is no such speaker, or no PortAudio.
        """
        self._device.probe()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Queue what has arrived; emitted is which speaker it is.

        Raises:
            DeviceError: the speaker cannot be opened at the rate of the streams.
        """
        for control in inputs.get("control", ()):
            if isinstance(control, Control):
                self._turn(control)
        for message in inputs.get("audio", ()):
            self._carrier.hear(message)
        for message in inputs.get("streams", ()):
            if isinstance(message, Streams):
                self._play(now_ns, message)
                self._carrier.follow(message)
            elif isinstance(message, AudioGap):
                self._counts["lost_samples"] += message.length_samples
            elif isinstance(message, End):
                self._ends_at_ns = now_ns + int(LONGEST_DRAIN_S * NS_PER_S)
        if self._ends_at_ns is not None:
            self._drain(now_ns, self._ends_at_ns)
        elif self._line is not None:
            self._carry(now_ns, self._line)
        return () if self._line is None else self._exchanged(now_ns, self._line, inputs)

    def _exchanged(self, now_ns: int, line: _Line, inputs: Inputs) -> Outputs:
        """Use another speaker, once it is open, where that is asked for; tell which it is."""
        rate_hz = line.rate_hz
        self._desk.obey(now_ns, inputs, line.life, lambda other: other.open(rate_hz))
        return self._desk.told(now_ns, line.life)

    def state(self) -> State:
        """Where the dial stands, and which device was chosen."""
        life = None if self._line is None else self._line.life
        columns = None if self._turning is None else self._turning.columns
        return {"columns": columns, "device": self._desk.state(life)}

    def resume(self, state: State) -> None:
        """Follow the dial from there; play on that device, once it is open."""
        self._desk.resume(state["device"])
        if self._turning is not None:
            self._turning.columns = int(state["columns"])

    @property
    def finished(self) -> bool:
        """True once all has been heard after the end of the streams."""
        return self._finished

    def close(self) -> None:
        """Stop the device."""
        if self._line is not None:
            self._line.life.close()
        self._device.close()

    def stats(self) -> Mapping[str, float]:
        """Delays capture to ear in ms, the queue, and what was lost, trimmed and padded."""
        queued_ms, device_underflows = 0.0, 0
        if self._line is not None:
            queued_ms = 1000.0 * self._queued() / self._line.rate_hz
            if self._line.output is not None:
                device_underflows = self._line.output.device_underflows
        life = {} if self._line is None else self._line.life.stats()
        return {
            "latency_ms": self._latency_ms,
            **self._latency.values("latency_"),
            "queued_ms": queued_ms,
            "device_ms": 1000.0 * self._device_delay_s(),
            "faster_ppm": self._faster_ppm,
            "device_lost": 0.0,
            "device_underflows": device_underflows,
            "device_reopened": 0.0,
            **life,
            **(feedback_values(self._line.guard) if self._line is not None else {}),
            **self._counts,
        }

    def _queued(self) -> int:
        if self._line is None or self._line.output is None or not self._line.output.active:
            return 0
        return self._line.output.queued_samples

    def _drain(self, now_ns: int, ends_at_ns: int) -> None:
        """Let what is queued, and then what the device itself holds, be heard to its end."""
        if self._queued() == 0 and not self._drained:
            self._drained = True
            ends_at_ns = min(ends_at_ns, now_ns + int(self._device_delay_s() * NS_PER_S))
            self._ends_at_ns = ends_at_ns
        self._finished = now_ns >= ends_at_ns

    def _device_delay_s(self) -> float:
        if self._line is None or self._line.output is None or not self._line.output.active:
            return 0.0
        return self._line.output.output_latency_s

    def _play(self, now_ns: int, streams: Streams) -> None:
        line = self._line
        if line is None or line.rate_hz != streams.rate_hz:
            line = self._line = self._opened(streams.rate_hz)
        if self._next_sample is not None and streams.first_sample > self._next_sample:
            hole = self._carrier.carry(self._next_sample, streams.first_sample, streams.rate_hz)
            if hole is not None:
                self._play(now_ns, hole)
        mix = line.mixer.feed(streams)
        follows = self._next_sample in (None, streams.first_sample) or self._is_carried
        if not follows:
            mix = self._anew(line, mix)
        self._next_sample = streams.first_sample + streams.samples.shape[1]
        output = self._living_output(now_ns, line)
        if output is None:
            self._is_carried = False
            self._counts["lost_samples"] += mix.shape[1]
            return
        before_s = output.queued_samples / line.rate_hz + output.output_latency_s
        delay_ns = now_ns - streams.capture_ns + round(before_s * NS_PER_S)
        correction = self._correction(line, output, streams, delay_ns)
        # What is late and left out leaves all that follows where it was.
        if correction.silence or not line.playout.is_steady:
            line.drift.again()
        wanted = round(line.playout.target_s * line.rate_hz)
        faster_ppm = line.drift.feed(output.queued_samples, mix.shape[1], wanted)
        if correction.silence:
            output.write(np.zeros((correction.silence, 2), np.float32))
            mix = self._anew(line, mix)
        if correction.skip:
            self._counts["late_samples"] += correction.skip
            mix = mix[:, correction.skip :]
            if not mix.shape[1]:
                return
            if not self._is_carried:
                mix = self._anew(line, mix)
        if self._is_carried:
            mix = self._joined(mix, streams, correction.skip)
        before_s = output.queued_samples / line.rate_hz + output.output_latency_s
        age_ns = now_ns - streams.capture_ns - correction.skip * NS_PER_S // line.rate_hz
        latency_ns = age_ns + round(before_s * NS_PER_S)
        self._latency_ms = latency_ns / NS_PER_MS
        self._latency.add(latency_ns)
        mix = self._guarded(line, mix, streams, correction.skip)
        self._write(line, output, self._corrected(line, mix, correction), faster_ppm)

    def _carry(self, now_ns: int, line: _Line) -> None:
        """Before the queue runs dry, put in what is known of the mixture from there on."""
        output, playout = self._living_output(now_ns, line), line.playout
        if output is None or not output.active or output.end_samples is None:
            return
        missing = playout.low_samples - output.queued_samples
        first = playout.due(output.end_samples)
        if missing <= 0 or first is None:
            return
        wanted = first + missing + round(CARRIED_S * line.rate_hz)
        carried = self._carrier.carry(first, min(wanted, self._carrier.stop), line.rate_hz)
        if carried is None:
            return
        mix = line.mixer.feed(carried)
        if first != self._next_sample and not self._is_carried:
            mix = self._anew(line, mix)
        line.drift.again()
        self._write(line, output, self._guarded(line, mix, carried), self._faster_ppm)
        self._next_sample = first + mix.shape[1]
        self._is_carried = True
        self._counts["carried_samples"] += mix.shape[1]

    def _joined(
        self, mix: NDArray[np.float32], streams: Streams, skipped: int
    ) -> NDArray[np.float32]:
        """Out of the mixture that was played until here into the streams."""
        self._is_carried = False
        first, stop = (
            streams.first_sample + skipped,
            streams.first_sample + streams.samples.shape[1],
        )
        before = self._carrier.carry(first, stop, streams.rate_hz)
        if before is None:
            return mix
        both = np.repeat(before.samples * np.float32(before.gains[0]), 2, axis=0)
        return joined(both, mix, streams.rate_hz)

    def _guarded(
        self, line: _Line, mix: NDArray[np.float32], streams: Streams, skipped: int = 0
    ) -> NDArray[np.float32]:
        """The mix as it may be played where the microphone may hear it.

        Nothing goes to the device past this: neither the mixture nor what leads out of it.
        """
        if line.guard is None:
            return mix
        first = streams.first_sample + skipped
        if line.guarded_stop not in (None, first):
            line.guard.cut()
        line.guarded_stop = first + mix.shape[1]
        delay = round(self._latency_ms / 1000 * line.rate_hz) if self._latency_ms else None
        heard = streams.samples[:, skipped:].sum(axis=0)
        return line.guard.feed(mix, heard, max(streams.gains), delay)

    def _anew(self, line: _Line, mix: NDArray[np.float32]) -> NDArray[np.float32]:
        """A piece that does not follow the one before begins softly."""
        line.stretch.reset()
        return fade_in(mix, line.rate_hz)

    def _write(
        self, line: _Line, output: Output, mix: NDArray[np.float32], faster_ppm: float
    ) -> None:
        """Queue a piece, at the pace of the device's clock."""
        stretched = line.stretch.feed(mix, faster_ppm)
        line.playout.drifted(stretched.shape[1] - mix.shape[1])
        accepted = output.write(np.ascontiguousarray(stretched.T))
        self._counts["refused_samples"] += stretched.shape[1] - accepted
        self._faster_ppm = faster_ppm

    def _turn(self, control: Control) -> None:
        """Make the queue longer before sound comes later, or shorter once it comes earlier."""
        if self._turning is None or self._line is None or self._next_sample is None:
            return
        before_ms = self._turning.lookahead_ms
        if not (change := self._turning.turn(control)):
            return
        wait_s = WAIT_S if change < 0 else 0.0
        at = self._next_sample + round(wait_s * self._line.rate_hz)
        self._turns.append((at, (self._turning.lookahead_ms - before_ms) / 1000))

    def _correction(
        self, line: _Line, output: Output, streams: Streams, delay_ns: int
    ) -> Correction:
        if output.underflows > line.underflows and line.playout.has_begun:
            self._counts["gaps"] += 1  # one silence is many callbacks
        line.underflows = output.underflows
        if output.device_underflows > line.device_underflows:
            line.playout.ran_dry()
        line.device_underflows = output.device_underflows
        end = output.end_samples
        if end is None:
            return Correction()
        while self._turns and streams.first_sample >= self._turns[0][0]:
            line.playout.expect(round(self._turns.popleft()[1] * line.rate_hz))
        if self._turns:  # what comes earlier already is no excess: it is waited for
            line.playout.look_anew()
        return line.playout.next(
            streams.first_sample,
            streams.samples.shape[1],
            output.queued_samples,
            end,
            delay_ns * line.rate_hz // NS_PER_S,
        )

    def _corrected(
        self, line: _Line, mix: NDArray[np.float32], correction: Correction
    ) -> NDArray[np.float32]:
        most = most_that_fits(mix.shape[1], line.rate_hz)
        before = mix.shape[1]
        by = min(max(correction.shorten, correction.lengthen), most)
        if by == 0:
            return mix
        if correction.shorten:
            mix = shorten(mix, by, line.rate_hz)
            self._counts["trimmed_samples"] += before - mix.shape[1]
        else:
            mix = lengthen(mix, by, line.rate_hz)
            self._counts["padded_samples"] += mix.shape[1] - before
        line.playout.moved(mix.shape[1] - before)
        return mix

    def _opened(self, rate_hz: int) -> _Line:
        """The device at this rate, in place of what was open."""
        if self._line is not None:
            self._line.life.close()
        life = self._live(lambda: self._device.open(rate_hz))
        line = _Line(rate_hz, self._pan_law, self._playout, life)
        self._guard_it(line, line.heard_on)
        return line

    def _guard_it(self, line: _Line, output: Output) -> None:
        """Where nothing is played, nothing can howl."""
        if line.guard is None and self._guard is not None and output.end_samples is not None:
            line.guard = self._guard(line.rate_hz)

    def _living_output(self, now_ns: int, line: _Line) -> Output | None:
        """The device; None while it is gone."""
        output = line.life.poll(now_ns)
        if output is not None and output is not line.heard_on:
            line.heard_on = output
            self._guard_it(line, output)
            line.underflows = line.device_underflows = 0
            line.playout.restart()
            line.stretch.reset()
        return output
