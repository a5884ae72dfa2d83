"""What a second of sound costs, step by step against window by window.

python -m benchmarks.step_cost              the paper's widths, and the live model
python -m benchmarks.step_cost --model DIR  another live model

Processor time of all cores together, everything measured in turns; medians for the paper's widths.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.cost import Cost, LivePath, PaperModel
from benchmarks.engines import paper_model
from benchmarks.model_engines import PACE, add_model_options, cores, open_networks
from benchmarks.paper_model import SPEC, UPDATES_PER_S
from benchmarks.report import Report, command, command_line
from engines import auto
from engines.cached_steps import CachedSteps
from engines.model import read_spec
from engines.protocol import Engine, Network
from engines.registry import open_engine
from engines.remembering import Remembering
from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.warp import LOG_FLOOR
from realtime.allocator import settle_heap

LEAST_AGAINST_EAGER, LEAST_AGAINST_WINDOW = 40.0, 4.0
MOST_OF_A_CORE = 0.25
MOST_WITH_LONGER_PAST = 1.1
MOST_DIFFERENT = 1e-5  # of the largest value, in float32: rounding
_TURNS = 5
_SPAN_UPDATES = 5  # that are timed together, with the pictures that come meanwhile
_STEPS = 40
_LONGER_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in turns, print."""
    parser = command_line(__doc__)
    add_model_options(parser)
    parser.add_argument("--updates", type=int, default=25, metavar="N", help="of each")
    options = parser.parse_args(arguments)
    per_turn = max(1, options.updates // _TURNS)
    report = Report("cost of a step")
    with contextlib.ExitStack() as opened:
        folder = paper_model(Path(opened.enter_context(tempfile.TemporaryDirectory())))
        _judge_paper(report, folder, max(2, options.updates // _SPAN_UPDATES))
    if read_spec(options.model).sound.is_streaming:
        _judge_past(report, options.model)
    _judge_live(report, options, per_turn)
    return report.publish(options.json)


def _judge_paper(report: Report, folder: Path, turns: int) -> None:
    """The paper's widths: eager windows, windows in the fastest engine, steps in the same.

    A window has three pictures (``SPEC.vision.frames``), and who recomputes it looks at them all;
    in steps each picture is looked at once, as it comes, and its map is kept. Pictures come
    ``SPEC.vision.rate_hz`` times a second: the player looks at no more. Windows that keep maps as
    well are measured beside them: what is left is what steps of sound save alone.
    """
    # As the live model: what is new since the last update, and 93 ms ahead of it.
    newest = SPEC.sound.step_columns + PACE.lookahead_columns
    choice = auto.choose(folder, 1, newest=newest)
    with contextlib.ExitStack() as opened:

        def open_(network: Network, columns: int | None = None) -> Engine:
            engine = open_engine(
                folder, network, choice.backend, choice.precision, 1, newest=columns
            )
            return opened.enter_context(engine)

        see = _again(open_("vision"))
        hear, hear_some = _again(open_("sound")), _again(open_("sound", newest))
        hear_step = _step(open_("step", newest), newest)
        eager, pictures = PaperModel(cores()), SPEC.vision.frames
        spans: dict[str, Callable[[], object]] = {
            "eager": _span(lambda: eager.update(pictures)),
            "eager, maps kept": _span(eager.hear, eager.look),
            "window": _span(lambda: ([see() for _ in range(pictures)], hear())),
            "window, maps kept": _span(hear, see),
            "some": _span(hear_some, see),
            "step": _span(hear_step, see),
        }
        costs = {name: Cost() for name in spans}
        for span in spans.values():
            span()
        for _ in range(turns):
            for name, span in spans.items():
                costs[name].measure(span, 1)
    engine = f"{choice.backend}/{choice.precision}"
    for what, name in (
        ("paper's widths: whole windows, torch eager", "eager"),
        ("… and each picture once, torch eager", "eager, maps kept"),
        (f"… whole windows, {engine}", "window"),
        (f"… and each picture once, {engine}", "window, maps kept"),
        (f"… and the {newest} newest columns decoded, {engine}", "some"),
        (f"… steps with a cache, {engine}", "step"),
    ):
        per_s = UPDATES_PER_S / _SPAN_UPDATES
        told = f"{per_s * costs[name].median_cpu_ms / 1000:.2f} CPU s per second of sound"
        report.note(f"{what}, {UPDATES_PER_S:g} updates/s", told)
        report.keep(what, costs[name].cpu_ms)
    step_ms = costs["step"].median_cpu_ms
    for what, name, least in (
        ("eager windows", "eager", LEAST_AGAINST_EAGER),
        ("windows in the same engine", "window", LEAST_AGAINST_WINDOW),
    ):
        report.at_least(f"… against {what}", costs[name].median_cpu_ms / step_ms, least, "x")
    for what, name in (
        ("eager windows", "eager, maps kept"),
        ("windows in the same engine", "window, maps kept"),
    ):
        ratio = costs[name].median_cpu_ms / step_ms
        report.note(f"… against {what}, each picture once", f"{ratio:.2f} x")
    what = "… largest difference from windows, both borders included"
    found = _difference(folder, choice.backend, "fp32", newest)
    report.claim(what, f"<= {MOST_DIFFERENT:.0e}", f"{found:.1e}", met=found <= MOST_DIFFERENT)
    if choice.precision != "fp32":
        found = _difference(folder, choice.backend, choice.precision, newest)
        report.note(f"{what}, {choice.precision} from {choice.precision}", f"{found:.1e}")


def _nothing() -> None:
    """What a picture costs whose window looks at it anyway."""


def _span(
    update: Callable[[], object], look: Callable[[], object] = _nothing
) -> Callable[[], None]:
    """Some updates, and as many looks as pictures come meanwhile, in turns as in a run."""

    def run() -> None:
        pictures = SPEC.vision.rate_hz / UPDATES_PER_S
        for one in range(_SPAN_UPDATES):
            if math.floor((one + 1) * pictures) > math.floor(one * pictures):
                look()
            update()

    return run


def _again(engine: Engine) -> Callable[[], object]:
    rng = np.random.default_rng(1)
    given = {spec.name: rng.random(spec.shape, np.float32) for spec in engine.inputs}
    return lambda: engine.infer(given)


def _difference(folder: Path, backend: str, precision: str, newest: int) -> float:
    """Of steps from windows, of their largest value, until the first step has left the window."""
    audio, step = SPEC.audio, SPEC.sound.step_columns
    heard = np.full((1, 1, audio.frequency_bins, audio.columns), np.log(LOG_FLOOR), np.float32)
    rng = np.random.default_rng(3)
    worst = 0.0
    with (
        open_engine(folder, "sound", backend, precision, 1, newest=newest) as windows,
        open_engine(folder, "step", backend, precision, 1, newest=newest) as engine,
    ):
        steps = _steps(engine, newest)
        for _ in range(audio.columns // step + 2):
            new = rng.uniform(-16, 3, engine.inputs[0].shape).astype(np.float32)
            heard = np.ascontiguousarray(np.concatenate([heard[..., step:], new], axis=3))
            said, whole = steps.step(new), windows.infer({"log_magnitude": heard})["sound"]
            difference = np.abs(said - whole[..., :step]).max() / np.abs(whole).max()
            worst = max(worst, float(difference))
    return worst


def _steps(engine: Engine, newest: int) -> CachedSteps:
    columns = encoder_columns(SPEC.sound, SPEC.audio)
    return CachedSteps(
        lambda given, _: engine.infer(given),
        columns,
        SPEC.audio.frequency_bins,
        newest - columns.step,
    )


def _step(engine: Engine, newest: int) -> Callable[[], object]:
    steps = _steps(engine, newest)
    new = np.random.default_rng(1).uniform(-16, 3, engine.inputs[0].shape).astype(np.float32)
    return lambda: steps.step(new)


def _judge_past(report: Report, folder: Path) -> None:
    """Steps of a network that remembers: soon after the start, and a minute later."""
    spec = read_spec(folder)
    choice = auto.choose(folder, 1)
    rng = np.random.default_rng(2)
    with (
        open_engine(folder, "sound", choice.backend, choice.precision, 1) as one,
        open_engine(folder, "sound", choice.backend, choice.precision, 1) as other,
    ):
        young, old = (Remembering(engine, spec.sound.lookaheads) for engine in (one, other))
        new = rng.uniform(-16, 3, one.inputs[0].shape).astype(np.float32)
        for _ in range(round(_LONGER_S * spec.audio.rate_hz / spec.audio.hop / old.columns)):
            old.step(new)
        soon, later = Cost(), Cost()
        for _ in range(_STEPS):  # in turns: the machine is faster at one time than at another
            young.reset()
            soon.measure(lambda: young.step(new), 1)
            later.measure(lambda: old.step(new), 1)
    report.note("a step of ears that remember", f"{later.median_ms:.2f} ms")
    ratio = later.median_cpu_ms / soon.median_cpu_ms
    what = f"… after {_LONGER_S:.0f} s against the first"
    report.at_most(what, ratio, MOST_WITH_LONGER_PAST, "x")


def _judge_live(report: Report, options: argparse.Namespace, per_turn: int) -> None:
    """The live path, stage by stage."""
    settle_heap()  # as every process of a run does: large pieces of memory cost more then
    with open_networks(options.model, options.engine) as opened:
        path = LivePath(opened)
        path.warm_up()
        for _ in range(_TURNS):
            path.prepare(per_turn)
            for _ in range(per_turn):
                path.update()
        rate_hz, name = path.updates_per_s, opened.sound.name
    whole = 0.0
    for stage, cost in path.costs.items():
        # Means: sight looks at every other picture or so.
        share = rate_hz * statistics.mean(cost.cpu_ms) / 1000
        whole += share
        report.note(f"live model, {name}: {stage}", f"{share:.1%} of a core")
        report.keep(stage, cost.cpu_ms)
    got = f"{whole:.1%}"
    met = whole <= MOST_OF_A_CORE
    report.claim("… all of it, of one core", f"<= {MOST_OF_A_CORE:.0%}", got, met=met)


if __name__ == "__main__":
    command(main)
