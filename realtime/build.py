"""Makes the stages of a run. Each is imported when it is made: a process loads what it needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

from engines.model import has_graph, open_model
from engines.protocol import Engine, Network
from engines.registry import backend_of
from pixelplayer.spec import STRETCH_COLUMNS, ModelSpec
from realtime.clock import Clock
from realtime.compose import file_of
from realtime.dial import Dial, dial_at
from realtime.engine_choice import EngineChoice
from realtime.engine_slices import EngineSlices
from realtime.graph import STAGES
from realtime.nvtx_ranges import nvtx_ranges
from realtime.opening import Opening, engine_name, open_asked, opens
from realtime.options import MOST_OBJECTS, NONE, OUTPUTS, Options, RigOptions
from realtime.plan import Plan
from realtime.remote.placing import fingerprint, host_of, read_places
from realtime.sources.continued import Continued
from realtime.sources.corrected import Corrected
from realtime.sources.gathered import Columns, Gathered
from realtime.sources.pacing import FastPace, Pace, RealtimePace
from realtime.stage import Stage
from realtime.stages.exchanged import Exchanged
from realtime.turning import Turning

FILE_COLUMNS = 4  # that are divided together: as often as objects are looked for


def build(name: str, plan: Plan, clock: Clock) -> Stage:
    """The stage ``name`` of ``plan``, not yet open.

    Raises:
        EngineError, SpecError: the model is unusable.
    """
    options = Options.from_plain(plan.options)
    address = read_places(options.run.place).hosts.get(name)
    if address is not None:
        return _away(name, address, options, plan, clock)
    stage = _MAKERS[name](options, plan, clock)
    if STAGES[name].kind != "source":
        return stage
    source = _set_right(name, stage, options.rig)
    if STAGES[name].is_replaced:
        source = Continued(source)
    return _gathered(name, source, options, plan, clock)


def _gathered(name: str, source: Stage, options: Options, plan: Plan, clock: Clock) -> Stage:
    """In real time, sound in whole columns; nobody waits for that of a file."""
    if plan.pace == "fast" or "audio" not in STAGES[name].writes:
        return source
    audio = open_model(Path(options.model.model)).spec.audio

    @cache
    def columns(rate_hz: int) -> Columns:
        return Columns.of(audio.at_rate(rate_hz))

    return Gathered(source, columns, clock if name == "microphone" else None)


def _set_right(name: str, source: Stage, rig: RigOptions) -> Stage:
    writes = STAGES[name].writes
    av_offset_ms = (rig.av_offset_ms or 0.0) if "video" in writes else 0.0
    gain_db = (rig.gain_db or 0.0) if "audio" in writes else 0.0
    if not (av_offset_ms or gain_db):
        return source
    return Corrected(source, av_offset_ms=av_offset_ms, gain_db=gain_db)


def _away(name: str, address: str, options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.remote.away import Away
    from realtime.remote.call import Call
    from realtime.remote.caller import Caller, There
    from realtime.remote.keys import keys_of, read_pair, read_peer
    from realtime.remote.lighter import Lighter

    model, host = Path(options.model.model), host_of(address)

    def call() -> Caller:
        keys = keys_of(options, os.environ)
        asked = Call(
            stage=name,
            stream=plan.stream,
            model=fingerprint(model),
            separation=options.separation,
        )
        there = There(host=host, address=address, key=read_peer(keys, host))
        return Caller(asked, there, read_pair(keys), clock)

    return Away(name, host, call, Lighter(open_model(model).spec.vision), clock)


def _pace(plan: Plan, clock: Clock) -> Pace:
    return FastPace() if plan.pace == "fast" else RealtimePace(clock)


def _demo(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.demo import DemoSource

    return DemoSource(stream=plan.stream, pace=_pace(plan, clock))


def _media(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    return MediaSource(str(options.input.source), stream=plan.stream, pace=_pace(plan, clock))


def _film(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    path = str(file_of(options.input.video or ""))
    return MediaSource(path, stream=plan.stream, pace=_pace(plan, clock), want="video")


def _track(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    path = str(file_of(options.input.audio or ""))
    return MediaSource(path, stream=plan.stream, pace=_pace(plan, clock), want="audio")


def _camera(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.camera import CameraDevice, CameraSource, named_camera

    given = options.input.video
    return CameraSource(
        CameraDevice(given),
        stream=plan.stream,
        clock=clock,
        other=lambda name: named_camera(name, given),
    )


def _microphone(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.microphone import MicrophoneSource
    from realtime.sources.microphone_process import MicrophoneDevice

    dial, speaker = _dial(options), options.output.speaker

    def found(name: str | None) -> MicrophoneDevice:
        return MicrophoneDevice(
            name,
            clock,
            latency=dial.microphone_latency,
            block_s=dial.block_s,
            has_speaker=speaker != NONE,
            speaker=speaker,
        )

    return MicrophoneSource(
        found(options.input.audio),
        stream=plan.stream,
        clock=clock,
        block_s=dial.block_s,
        other=found,
    )


def _browser(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.browser import BrowserSource

    return BrowserSource(stream=plan.stream, clock=clock)


def _dial(options: Options) -> Dial:
    spec = open_model(Path(options.model.model)).spec
    return dial_at(spec, options.separation.lookahead)


def _slices(plan: Plan, clock: Clock) -> EngineSlices | None:
    return EngineSlices(clock, nvtx_ranges()) if plan.is_traced else None


def _sight(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.stages.sight import Sight

    spec, choice = open_model(Path(options.model.model)).spec, _choice(options, plan, "sees")
    slices = _slices(plan, clock)

    def opened(grid: tuple[int, int]) -> Engine:
        opening = Opening(model=options.model, network="vision", grid=grid, slices=slices)
        return _opened(opening, choice)

    stage = Sight(opened, spec.vision, slices)
    return stage if choice is None else Exchanged(stage, choice, "vision", plan.stream)


def _choice(options: Options, plan: Plan, what: str) -> EngineChoice | None:
    """The choice of an engine; there is none where every run must give the same."""
    return None if plan.pace == "fast" else EngineChoice(what, engine_name(options.model))


def _opened(opening: Opening, choice: EngineChoice | None) -> Engine:
    if choice is None:
        return open_asked(opening, is_live=False)
    return choice.open(opens(opening))


def _hearing(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.stages.hearing import Hearing

    spec, choice = open_model(Path(options.model.model)).spec, _choice(options, plan, "hears")
    steps = _dial(options).pace(is_fast=plan.pace == "fast")
    slices = _slices(plan, clock)

    def opened(network: Network) -> Callable[[int], Engine]:
        return lambda newest: _opened(
            Opening(model=options.model, network=network, newest=newest, slices=slices), choice
        )

    given, entry = options.model, backend_of(options.model.engine)
    if plan.pace == "fast" and _has_stretch(spec, options):
        steps = replace(
            steps,
            stretch_columns=STRETCH_COLUMNS,
            columns_per_step=FILE_COLUMNS,
            most_columns_per_step=FILE_COLUMNS,
        )
        return Hearing(opened("stretch"), spec, steps, slices=slices)
    caches = entry is not None and entry.caches
    has_steps = caches and has_graph(Path(given.model), "step", given.precision)
    stage = Hearing(opened("sound"), spec, steps, opened("step") if has_steps else None, slices)
    return stage if choice is None else Exchanged(stage, choice, "sound", plan.stream)


def _has_stretch(spec: ModelSpec, options: Options) -> bool:
    """Whether many columns can be heard at once, where nobody waits for the first of them."""
    given, entry = options.model, backend_of(options.model.engine)
    runs_graphs = entry is not None and not (entry.reads_weights or entry.needs_server)
    is_there = has_graph(Path(given.model), "stretch", given.precision)
    return spec.sound.is_streaming and runs_graphs and is_there


def _separator(options: Options, plan: Plan, clock: Clock) -> Stage:
    from pixelplayer.objects import ObjectSettings
    from realtime.stages.join import Join, NewestSight, WaitForSight
    from realtime.stages.object_streams import Synthesizer
    from realtime.stages.separator import Separator, SeparatorSettings

    model = open_model(Path(options.model.model))
    frames = model.spec.vision.frames
    join: Join = WaitForSight(frames) if plan.pace == "fast" else NewestSight(frames)
    synthesizer = Synthesizer(scale=model.scale, bias=model.bias, mask=model.spec.mask)
    settings = SeparatorSettings(objects=ObjectSettings(count=options.separation.objects))
    return Separator(model.spec, synthesizer, join, settings, model.vocabulary)


def _speaker(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sinks.feedback.guard import FeedbackGuard
    from realtime.sinks.output import NoDevice, SoundDevice
    from realtime.sinks.playout import PlayoutSettings
    from realtime.sinks.speaker import Speaker

    name, dial = options.output.speaker, _dial(options)
    untold_s = (options.rig.untold_ms or 0.0) / 1000

    def found(name: str | None, untold_s: float) -> NoDevice | SoundDevice:
        if name == NONE:
            return NoDevice()
        return SoundDevice(name, clock, dial.speaker_latency, untold_s)

    spec = open_model(Path(options.model.model)).spec
    hears = not {"microphone", "browser"}.isdisjoint(plan.stages)
    return Speaker(
        found(name, untold_s),
        playout=PlayoutSettings.for_queue(dial.queue_s),
        turning=_turning(spec, dial),
        guard=FeedbackGuard if hears and name != NONE else None,
        other=lambda other: found(other, 0.0),  # how much later it is heard was not measured
        stream=plan.stream,
    )


def _turning(spec: ModelSpec, dial: Dial) -> Turning | None:
    if not dial.can_turn:
        return None
    return Turning(spec, dial.lookahead_columns, dial.columns_per_step)


def _positions_ms(options: Options) -> tuple[float, ...]:
    """All that the dial can be turned to; none where it cannot be turned."""
    turning = _turning(open_model(Path(options.model.model)).spec, _dial(options))
    return () if turning is None else turning.positions_ms


def _recorder(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sinks.carrier import Carrier
    from realtime.sinks.recorder import Recorder
    from realtime.sinks.session import SessionInfo

    info = SessionInfo(
        model=open_model(Path(options.model.model)).spec.name, engines=_engine_names(options)
    )
    folder, part_min = Path(options.output.record or ""), options.output.part_min

    def recorder(folder: Path, info: SessionInfo) -> Recorder:
        return Recorder(folder, info, carrier=None if plan.pace == "fast" else Carrier())

    if part_min is None:
        return recorder(folder, info)
    from realtime.sinks.parts import Parts

    return Parts(folder, 60 * part_min, info, recorder)


def _takes(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.clock import time_stamp
    from realtime.sinks.session import SessionInfo
    from realtime.sinks.takes import Recorder, Takes

    def recorder(folder: Path, info: SessionInfo) -> Recorder:
        from realtime.sinks.carrier import Carrier
        from realtime.sinks.recorder import Recorder

        return Recorder(folder, info, carrier=Carrier())

    info = SessionInfo(
        model=open_model(Path(options.model.model)).spec.name, engines=_engine_names(options)
    )
    root = Path(options.output.recordings).absolute()
    return Takes(root, info, plan.stream, time_stamp, recorder)


def _engine_names(options: Options) -> dict[str, str]:
    name = engine_name(options.model)
    return {"vision": name, "sound": name}


def _outputs(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sinks.outputs.desk import Desk
    from realtime.sinks.outputs.ports import Ports
    from realtime.sinks.outputs.slots import Slots
    from realtime.sinks.outputs.stage import ObjectOutputs
    from realtime.sinks.outputs.track import Track

    given, slots = options.output, Slots(MOST_OBJECTS)
    ports = None if given.outputs is None else Ports(given.outputs, OUTPUTS)
    desk = None if given.osc is None else Desk(given.osc, slots, plan.stream)
    return ObjectOutputs(Track(slots, given.tap), slots, ports, desk)


def _window(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.engine_names import EngineNames
    from realtime.scout import Scout
    from realtime.sinks.window import Window
    from realtime.sources.listing import Lister

    scout = Scout(Lister(clock, EngineNames(options.model.model)))
    return Window(plan.stream, _engine_names(options), _positions_ms(options), scout)


def _web(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.engine_names import EngineNames
    from realtime.scout import Scout
    from realtime.sinks.web import Web
    from realtime.sources.listing import Lister

    scout = Scout(Lister(clock, EngineNames(options.model.model)))
    return Web(
        plan.stream,
        _engine_names(options),
        _announce,
        _positions_ms(options),
        scout,
        clock=clock,
        page=options.page,
        captures="browser" in plan.stages,
    )


def _announce(address: str) -> None:
    """On stdout, where a script may pick it up."""
    print(f"view: {address}", flush=True)


_MAKERS: Mapping[str, Callable[[Options, Plan, Clock], Stage]] = MappingProxyType(
    {
        "demo": _demo,
        "media": _media,
        "film": _film,
        "track": _track,
        "camera": _camera,
        "microphone": _microphone,
        "browser": _browser,
        "sight": _sight,
        "hearing": _hearing,
        "separator": _separator,
        "speaker": _speaker,
        "recorder": _recorder,
        "takes": _takes,
        "outputs": _outputs,
        "window": _window,
        "web": _web,
    }
)
