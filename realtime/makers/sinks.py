"""Makes the sinks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from engines.model import open_model
from pixelplayer.spec import ModelSpec
from realtime.clock import Clock
from realtime.dial import Dial
from realtime.makers.maker import Maker, planned_dial
from realtime.opening import engine_name
from realtime.options import MOST_OBJECTS, NONE, OUTPUTS, Options
from realtime.plan import Plan
from realtime.stage import Stage
from realtime.turning import Turning

if TYPE_CHECKING:
    from realtime.sinks.session import SessionInfo
    from realtime.sinks.session_writer import SessionWriter


def _speaker(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sinks.feedback.guard import FeedbackGuard
    from realtime.sinks.output import NoDevice, SoundDevice
    from realtime.sinks.playout import PlayoutSettings
    from realtime.sinks.speaker import Speaker

    name, dial = options.output.speaker, planned_dial(options)
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
    turning = _turning(open_model(Path(options.model.model)).spec, planned_dial(options))
    return () if turning is None else turning.positions_ms


def _recorder(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sinks.carrier import Carrier
    from realtime.sinks.recorder import Recorder

    folder, part_min = Path(options.output.record or ""), options.output.part_min

    def recorder(folder: Path, info: SessionInfo) -> Recorder:
        return Recorder(folder, info, carrier=None if plan.pace == "fast" else Carrier())

    if part_min is None:
        return recorder(folder, _session_info(options))
    from realtime.sinks.parts import Parts

    return Parts(folder, 60 * part_min, _session_info(options), recorder)


def _takes(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.clock import time_stamp
    from realtime.sinks.takes import Takes

    def recorder(folder: Path, info: SessionInfo) -> SessionWriter:
        # Only now: most runs are never recorded.
        from realtime.sinks.carrier import Carrier
        from realtime.sinks.recorder import Recorder

        return Recorder(folder, info, carrier=Carrier())

    root = Path(options.output.recordings).absolute()
    return Takes(root, _session_info(options), plan.stream, time_stamp, recorder)


def _session_info(options: Options) -> SessionInfo:
    from realtime.sinks.session import SessionInfo

    return SessionInfo(
        model=open_model(Path(options.model.model)).spec.name, engines=_engine_names(options)
    )


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


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "speaker": _speaker,
        "recorder": _recorder,
        "takes": _takes,
        "outputs": _outputs,
        "window": _window,
        "web": _web,
    }
)
