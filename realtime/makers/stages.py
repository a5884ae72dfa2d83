"""Makes the stages between sources and sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from engines.model import has_graph, open_model
from engines.protocol import Engine, Network
from engines.registry import backend_of
from pixelplayer.spec import STRETCH_COLUMNS, ModelSpec
from realtime.clock import Clock
from realtime.engine_choice import EngineChoice
from realtime.engine_slices import EngineSlices
from realtime.makers.maker import Maker, planned_dial
from realtime.measuring import Measuring
from realtime.nvtx_ranges import nvtx_ranges
from realtime.opening import Opening, engine_name, open_asked, opens
from realtime.options import Options
from realtime.plan import Plan
from realtime.stage import Stage
from realtime.stages.exchanged import Exchanged

FILE_COLUMNS = 4  # that are divided together: as often as objects are looked for


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
    if plan.pace == "fast":
        return None
    given, better = options.model, None
    if given.guessed_for is not None:
        better = Measuring(given, planned_dial(options).pace(is_fast=False).newest_columns)
    return EngineChoice(what, engine_name(given), better=better)


def _opened(opening: Opening, choice: EngineChoice | None) -> Engine:
    if choice is None:
        return open_asked(opening, is_live=False)
    return choice.open(opens(opening))


def _hearing(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.stages.hearing import Hearing

    spec, choice = open_model(Path(options.model.model)).spec, _choice(options, plan, "hears")
    steps = planned_dial(options).pace(is_fast=plan.pace == "fast")
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


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "sight": _sight,
        "hearing": _hearing,
        "separator": _separator,
    }
)
