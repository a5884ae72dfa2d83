"""The ear: the mixture's columns, and what the sound network makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from engines.cached_steps import CachedSteps
from engines.remembering import Remembering
from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.spec import Analysis, ModelSpec
from pixelplayer.stft import Samples
from realtime.ahead import is_stepped
from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.engine_slices import EngineSlices
from realtime.errors import UsageError
from realtime.messages import AudioChunk, AudioGap, Control, End, Message, SoundColumns
from realtime.stage import Inputs, Outputs, State
from realtime.stages.ears import BEHIND, Ear, PatientEar, Steps, WindowEar
from realtime.stages.ears_in_turns import ears_in_turns, remembering_ear
from realtime.stages.listener import Heard, Listener, Pace
from realtime.stages.window_engines import OpenSound, WindowEngines
from realtime.telemetry import EngineSlice
from realtime.turning import WAIT_S, Turning

# Clocks drift by parts per million; what is less than this is rounding or jitter, not drift.
_DRIFT_NS = 20 * NS_PER_MS
# Of more that never came there are no columns: what plays has the mixture there (0026).
_LONGEST_SILENCE_S = 1.0


@dataclass(slots=True)
class _Stream:
    """One run of samples at one rate."""

    name: str
    listener: Listener
    next_sample: int  # of the input; all before it has been heard
    origin_ns: int  # capture time of sample 0
    turn_at: int | None = None  # the sample from which on another lookahead holds
    # Chunks that came together are heard together: only so it is seen that columns wait.
    taken: list[Samples] = field(default_factory=list)

    def instant_ns(self, sample: int) -> int:
        rate_hz = self.listener.analysis.rate_hz
        return self.origin_ns + round(sample * NS_PER_S / rate_hz)


class Hearing:
    """Topic ``audio`` in, topic ``sound`` out.

    Every column of the input comes out once, however the input is cut into chunks. Samples that the
    source lost count as silence, and so do few that are lost on the way; of more, which others have
    (hearing on another host), there are no columns. After them, as after a restart in the middle of
    a recording, columns keep their numbers.
    """

    def __init__(
        self,
        open_engine: OpenSound,
        spec: ModelSpec,
        pace: Pace,
        open_step: OpenSound | None = None,
        slices: EngineSlices | None = None,
    ) -> None:
        """``open_engine`` opens the sound network for so many of a window's newest columns.

        ``open_step`` opens its steps with a cache, which take the place of windows where the pace
        allows; None where there are none. ``slices`` is what the engines tell of their work, in a
        profiled run.
        """
        self._slices = slices
        self._spec = spec
        self._pace = pace
        self._is_stepped = (
            open_step is not None
            and not pace.window_step_columns
            and is_stepped(spec, pace.lookahead_columns, pace.columns_per_step)
        )
        if open_step is not None and self._is_stepped:
            open_engine = open_step
        self._open_engine = open_engine
        self._turning = Turning(spec, pace.lookahead_columns, pace.columns_per_step)
        self._resources = ExitStack()
        self._engines = WindowEngines(open_engine)
        self._resources.callback(self._engines.close)
        self._networks: list[Steps] = []  # that are given what is new, and remember the rest
        self._input: _Stream | None = None
        self._sequence = 0
        self._lost_samples = 0
        self._resumed_columns: int | None = None
        self._finished = False

    def open(self) -> None:
        """Load the sound network."""
        pace = self._pace
        if self._spec.sound.is_streaming:
            # An engine may keep what is remembered on its device: each ear has one of its own.
            for _ in range(ears_in_turns(pace.columns_per_step)):
                engine = self._resources.enter_context(self._open_engine(pace.newest_columns))
                self._networks.append(Remembering(engine, self._spec.sound.lookaheads))
            return
        self._engines.open(self._wanted(pace))
        if self._is_stepped:
            audio = self._spec.audio
            steps = CachedSteps(
                self._engines.run,
                encoder_columns(self._spec.sound, audio),
                audio.frequency_bins,
                pace.lookahead_columns,
            )
            self._networks.append(steps)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Features for all the columns that are complete; the rest, and the end, after the end.

        Raises:
            UsageError: the sample rate changes.
        """
        for control in inputs.get("control", ()):
            if isinstance(control, Control):
                self._turn(control)
        outputs: list[tuple[str, Message]] = []
        for message in inputs.get("audio", ()):
            if isinstance(message, AudioChunk):
                outputs += self._take(message)
            elif isinstance(message, AudioGap):
                outputs += self._miss(message)
            elif isinstance(message, End):
                outputs += self._end(message)
        return outputs + self._hear()

    @property
    def finished(self) -> bool:
        """Whether the sound has ended and all columns are out."""
        return self._finished

    def close(self) -> None:
        """Unload the network."""
        self._networks.clear()
        self._resources.close()

    def stats(self) -> Mapping[str, float]:
        """What was lost on the way here, and what waits."""
        behind, pace = 0, self._pace
        if self._input is not None:
            behind, pace = self._input.listener.pending_columns, self._input.listener.pace
        hop_ms = self._spec.audio.at_rate(self._spec.audio.rate_hz).hop_ns / NS_PER_MS
        return {
            "lost_samples": self._lost_samples,
            "pending_columns": behind,
            "lookahead_ms": pace.lookahead_columns * hop_ms,
            "algorithm_ms": pace.delay_columns * hop_ms,
        }

    def engine_slices(self) -> Sequence[EngineSlice]:
        """When the network was at work since the last call, in a profiled run."""
        return [] if self._slices is None else self._slices.take()

    def state(self) -> State:
        """Where the dial stands. What was heard is forgotten: as after a gap, it costs little."""
        return {"lookahead_columns": self._turning.columns}

    def resume(self, state: State) -> None:
        """Begin with the dial there."""
        columns = int(state["lookahead_columns"])
        if columns == self._turning.columns:
            return
        pace = replace(self._pace, lookahead_columns=columns)
        if not self._spec.sound.is_streaming:
            self._engines.prepare(self._wanted(pace))
        self._turning.columns = columns
        self._resumed_columns = columns

    def _turn(self, control: Control) -> None:
        """At once where sound comes earlier then; else once the speaker is ready for it."""
        if self._input is None or self._pace.window_step_columns:
            return
        if not (change := self._turning.turn(control)):
            return
        pace = replace(self._pace, lookahead_columns=self._turning.columns)
        if not self._spec.sound.is_streaming:
            self._engines.prepare(self._wanted(pace))
        wait_s = WAIT_S if change > 0 else 0.0
        rate_hz = self._input.listener.analysis.rate_hz
        self._input.turn_at = self._input.next_sample + round(wait_s * rate_hz)

    def _turned(self, stream: _Stream) -> None:
        """Hear as far ahead as was asked for, if it is time."""
        if stream.turn_at is None or stream.next_sample < stream.turn_at:
            return
        pace = replace(self._pace, lookahead_columns=self._turning.columns)
        if not self._can(pace):
            return
        stream.turn_at = None
        stream.listener.look_ahead(pace.lookahead_columns)

    def _can(self, pace: Pace) -> bool:
        """Whether what it wants is open."""
        if self._spec.sound.is_streaming:
            return True
        wanted = max(self._wanted(pace))
        return self._engines.has(wanted) if self._is_stepped else self._engines.can(wanted)

    def _wanted(self, pace: Pace) -> set[int]:
        """Columns of a window that its steps ask for: usually, and at most."""
        most = self._spec.audio.columns
        if self._is_stepped:
            return {self._spec.sound.step_columns + pace.lookahead_columns}
        if pace.window_step_columns:
            return {most}
        steps = (pace.columns_per_step, pace.most_columns_per_step)
        return {min(max(columns + pace.lookahead_columns, 1), most) for columns in steps}

    def _take(self, chunk: AudioChunk) -> list[tuple[str, Message]]:
        """Take a chunk that follows what was taken; what cannot be heard with it, before it."""
        stream = self._stream(chunk, chunk.capture_ns)
        outputs: list[tuple[str, Message]] = []
        said_ns = stream.instant_ns(chunk.first_sample)
        if abs(chunk.capture_ns - said_ns) > _DRIFT_NS:
            outputs += self._hear()
            stream.origin_ns += chunk.capture_ns - said_ns
        missing = chunk.first_sample - stream.next_sample
        if missing > _LONGEST_SILENCE_S * chunk.rate_hz:
            outputs += self._leap(stream, chunk.first_sample)
        else:
            outputs += self._silence(stream, chunk.first_sample)
        unheard = chunk.samples[max(stream.next_sample - chunk.first_sample, 0) :]
        if stream.turn_at is not None and stream.next_sample + len(unheard) >= stream.turn_at:
            outputs += self._hear()
        stream.next_sample += len(unheard)
        self._turned(stream)
        stream.taken.append(unheard)
        return outputs

    def _hear(self) -> list[tuple[str, Message]]:
        """What was taken."""
        stream = self._input
        if stream is None or not stream.taken:
            return []
        samples = np.concatenate(stream.taken, dtype=np.float32)
        stream.taken.clear()
        return self._messages(stream, stream.listener.feed(samples))

    def _miss(self, gap: AudioGap) -> list[tuple[str, Message]]:
        stop = gap.first_sample + gap.length_samples
        if self._input is None:
            return []  # the first chunk will say where and when the sound starts
        return self._silence(self._stream(gap, self._input.origin_ns), stop)

    def _silence(self, stream: _Stream, stop: int) -> list[tuple[str, Message]]:
        """Hear silence up to sample ``stop``, a second at a time to bound the memory."""
        if stream.next_sample >= stop:
            return []
        outputs = self._hear()
        while stream.next_sample < stop:
            length = min(stop - stream.next_sample, stream.listener.analysis.rate_hz)
            stream.next_sample += length
            self._lost_samples += length
            outputs += self._messages(stream, stream.listener.feed(np.zeros(length, np.float32)))
        return outputs

    def _leap(self, stream: _Stream, start: int) -> list[tuple[str, Message]]:
        """Say what was heard; begin at ``start`` as at a beginning, the dial where it stands."""
        outputs = self._hear() + self._messages(stream, stream.listener.flush())
        before = stream.listener
        first_column = -(-start // before.analysis.hop)
        resumed = first_column * before.analysis.hop
        self._lost_samples += resumed - stream.next_sample
        for network in self._networks:
            network.reset()
        stream.listener = self._listener(before.analysis, first_column)
        stream.listener.look_ahead(before.pace.lookahead_columns)
        stream.next_sample = resumed
        return outputs

    def _listener(self, analysis: Analysis, first_column: int) -> Listener:
        audio, channels = self._spec.audio, self._spec.channels
        return Listener(self._ear(), audio, channels, analysis, self._pace, first_column)

    def _end(self, end: End) -> list[tuple[str, Message]]:
        outputs = self._hear()
        stop: int | None = None
        if self._input is not None:
            outputs += self._messages(self._input, self._input.listener.flush())
            stop = self._input.next_sample
        last = End(stream=end.stream, sequence=self._sequence, topic="sound", stop_sample=stop)
        self._finished = True
        return [*outputs, ("sound", last)]

    def _messages(self, stream: _Stream, heard: list[Heard]) -> list[tuple[str, Message]]:
        outputs: list[tuple[str, Message]] = []
        analysis = stream.listener.analysis
        for block in heard:
            columns = SoundColumns(
                stream=stream.name,
                sequence=self._sequence,
                capture_ns=stream.instant_ns(block.first_column * analysis.hop),
                first_column=block.first_column,
                known_samples=block.known_samples,
                rate_hz=analysis.rate_hz,
                features=block.features,
                spectrum=block.spectrum,
            )
            outputs.append(("sound", columns))
            self._sequence += 1
        return outputs

    def _stream(self, message: AudioChunk | AudioGap, capture_ns: int) -> _Stream:
        """The stream that the message continues or starts."""
        if self._input is None:
            analysis = self._spec.audio.at_rate(message.rate_hz)
            first_column = -(-message.first_sample // analysis.hop)
            past_ns = round(message.first_sample * NS_PER_S / message.rate_hz)
            self._input = _Stream(
                name=message.stream,
                listener=self._listener(analysis, first_column),
                next_sample=first_column * analysis.hop,
                origin_ns=capture_ns - past_ns,
            )
            if self._resumed_columns is not None:
                self._input.turn_at = self._input.next_sample
        found_hz = self._input.listener.analysis.rate_hz
        if message.rate_hz != found_hz:
            raise UsageError(
                f"the sample rate changed from {found_hz} Hz to {message.rate_hz} Hz in the "
                f"middle of {message.stream!r}; restart, or set the device to one rate"
            )
        return self._input

    def _ear(self) -> Ear:
        spec, step = self._spec, self._pace.window_step_columns
        if not spec.sound.is_streaming and not self._is_stepped:
            if step:
                return PatientEar(self._engines.infer, spec.audio, spec.channels, step)
            return WindowEar(self._engines.infer, spec.audio)
        if not self._networks:
            raise RuntimeError("Hearing.step before Hearing.open")
        pace = self._pace
        may_skip = pace.most_columns_per_step > pace.columns_per_step
        return remembering_ear(self._networks, spec, BEHIND if may_skip else None)
