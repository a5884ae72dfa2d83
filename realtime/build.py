"""Makes a stage of a run as it is planned: here or on another host, corrected, gathered."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from engines.model import open_model
from realtime.clock import Clock
from realtime.graph import STAGES
from realtime.makers import sinks, sources, stages
from realtime.makers.maker import Maker
from realtime.options import Options, RigOptions
from realtime.plan import Plan
from realtime.remote.placing import fingerprint, host_of, read_places
from realtime.sources.continued import Continued
from realtime.sources.corrected import Corrected
from realtime.sources.gathered import Columns, Gathered
from realtime.stage import Stage

_MAKERS: Mapping[str, Maker] = MappingProxyType({**sources.MAKERS, **stages.MAKERS, **sinks.MAKERS})


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
            is_traced=plan.is_traced,
        )
        there = There(host=host, address=address, key=read_peer(keys, host))
        return Caller(asked, there, read_pair(keys), clock)

    return Away(name, host, call, Lighter(open_model(model).spec.vision), clock)
