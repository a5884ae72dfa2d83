"""The speaker: mixes the streams, keeps a short queue before the device, and tells the delay.

The delay is the true one, from the microphone to the ear: when a sample is queued, the time until
it will be heard (what is queued before it, and the device's own latency) is added to its age.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.device_desk import DeviceDesk
from realtime.device_life import DeviceLife
from realtime.messages import AudioGap, Control, End, Streams
from realtime.sinks.carrier import Carrier, joined
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.feedback.told import feedback_values
from realtime.sinks.mixer import PanLaw, equal_power
from realtime.sinks.output import Device, Output
from realtime.sinks.output_line import Losses, OutputLine
from realtime.sinks.playout import PlayoutSettings
from realtime.stage import Inputs, Outputs, State
from realtime.telemetry import Histogram
from realtime.turning import WAIT_S, Turning

LONGEST_DRAIN_S = 2.0
CARRIED_S = 0.020  # of the mixture at a time, in the place of streams that do not come


_SILENT = dict.fromkeys(  # while nothing was to be played yet
    (
        "queued_ms",
        "device_ms",
        "faster_ppm",
        "device_underflows",
        "device_lost",
        "device_reopened",
    ),
    0.0,
)


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
        self._line: OutputLine | None = None
        self._next_sample: int | None = None
        self._carrier = Carrier()
        self._is_carried = False  # what was written last is the mixture itself
        self._ends_at_ns: int | None = None
        self._drained = False
        self._finished = False
        self._latency = Histogram()
        self._latency_ms = 0.0
        self._losses = Losses()

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
                self._losses.lost_samples += message.length_samples
            elif isinstance(message, End):
                self._ends_at_ns = now_ns + int(LONGEST_DRAIN_S * NS_PER_S)
        if self._ends_at_ns is not None:
            self._drain(now_ns, self._ends_at_ns)
        elif self._line is not None:
            self._carry(now_ns, self._line)
        return () if self._line is None else self._exchanged(now_ns, self._line, inputs)

    def _exchanged(self, now_ns: int, line: OutputLine, inputs: Inputs) -> Outputs:
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
        line = self._line
        if line is None:
            return {**self._heard_values(), **_SILENT, **asdict(self._losses)}
        output = line.output
        return {
            **self._heard_values(),
            "queued_ms": 1000.0 * line.queued_samples / line.rate_hz,
            "device_ms": 1000.0 * line.device_delay_s,
            "faster_ppm": line.faster_ppm,
            "device_underflows": 0 if output is None else output.device_underflows,
            **line.life.stats(),
            **feedback_values(line.guard),
            **asdict(self._losses),
        }

    def _heard_values(self) -> dict[str, float]:
        return {"latency_ms": self._latency_ms, **self._latency.values("latency_")}

    def _drain(self, now_ns: int, ends_at_ns: int) -> None:
        """Let what is queued, and then what the device itself holds, be heard to its end."""
        line = self._line
        if not self._drained and (line is None or line.queued_samples == 0):
            self._drained = True
            delay_s = 0.0 if line is None else line.device_delay_s
            ends_at_ns = min(ends_at_ns, now_ns + int(delay_s * NS_PER_S))
            self._ends_at_ns = ends_at_ns
        self._finished = now_ns >= ends_at_ns

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
            mix = line.anew(mix)
        self._next_sample = streams.first_sample + streams.samples.shape[1]
        output = line.living(now_ns)
        if output is None:
            self._is_carried = False
            self._losses.lost_samples += mix.shape[1]
            return
        line.notice(output)
        self._follow_dial(line, streams.first_sample)
        delay_ns = now_ns - streams.capture_ns + _before_ns(line, output)
        correction = line.placed(output, streams.first_sample, mix.shape[1], delay_ns)
        faster_ppm = line.pace(output, correction, mix.shape[1])
        if correction.silence:
            output.write(np.zeros((correction.silence, 2), np.float32))
            mix = line.anew(mix)
        if correction.skip:
            self._losses.late_samples += correction.skip
            mix = mix[:, correction.skip :]
            if not mix.shape[1]:
                return
            if not self._is_carried:
                mix = line.anew(mix)
        if self._is_carried:
            mix = self._joined(mix, streams, correction.skip)
        age_ns = now_ns - streams.capture_ns - correction.skip * NS_PER_S // line.rate_hz
        latency_ns = age_ns + _before_ns(line, output)
        self._latency_ms = latency_ns / NS_PER_MS
        self._latency.add(latency_ns)
        mix = line.guarded(mix, streams, correction.skip, self._latency_ms)
        line.write(output, line.corrected(mix, correction), faster_ppm)

    def _carry(self, now_ns: int, line: OutputLine) -> None:
        """Before the queue runs dry, put in what is known of the mixture from there on."""
        output, playout = line.living(now_ns), line.playout
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
            mix = line.anew(mix)
        line.interrupted()
        line.write(output, line.guarded(mix, carried, 0, self._latency_ms), line.faster_ppm)
        self._next_sample = first + mix.shape[1]
        self._is_carried = True
        self._losses.carried_samples += mix.shape[1]

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

    def _follow_dial(self, line: OutputLine, first_sample: int) -> None:
        """Pieces come later, or earlier, from the sample on at which the dial's turn tells."""
        while self._turns and first_sample >= self._turns[0][0]:
            line.playout.expect(round(self._turns.popleft()[1] * line.rate_hz))
        if self._turns:  # what comes earlier already is no excess: it is waited for
            line.playout.look_anew()

    def _opened(self, rate_hz: int) -> OutputLine:
        """The device at this rate, in place of what was open."""
        if self._line is not None:
            self._line.life.close()
        life = self._live(lambda: self._device.open(rate_hz))
        return OutputLine(
            rate_hz,
            life,
            pan_law=self._pan_law,
            playout=self._playout,
            losses=self._losses,
            guard=self._guard,
        )


def _before_ns(line: OutputLine, output: Output) -> int:
    """Until what is written now is heard."""
    before_s = output.queued_samples / line.rate_hz + output.output_latency_s
    return round(before_s * NS_PER_S)
