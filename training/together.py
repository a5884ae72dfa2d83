"""Table 1's networks, taught side by side: the same mixtures, in the same order, as many steps.

What differs between them is then what they are asked for, and nothing else. To make a mixture takes
longer than a narrow network takes to learn from it on a GPU: made once, it teaches all of them.

    python -m training together --bank DATA --work runs/table --steps 6000 --device cuda --workers 6

leaves in the work folder what ``training separate`` would, for ``training table``. Started again it
goes on from the last checkpoints. With ``--minutes`` instead of steps the learning rate follows the
clock. What is scored are the last weights, so that all have had the same steps.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from pixelplayer.one_line import OneLineParser
from training.asked import complaint, interrupted
from training.checkpoints import TrainingError, check_loss
from training.commands import UnusableError, command, make_work
from training.learner import Plan, State, advance, judge, learning_rate
from training.loading import AHEAD
from training.material import (
    Material,
    add_material_options,
    add_share_option,
    open_material,
    shared,
)
from training.mixing import Mixture, Mixtures, Varying, batches
from training.paper import AUDIO
from training.precision import add_device_options, check_device, fastest
from training.replayed import FIRST_STEPS, Part, Replayed, can_replay
from training.separate import VALIDATION_SEED, best_of, checkpoint_name, described
from training.separators import Kind, PixelPlayer
from training.team import Team
from training.variants import VARIANTS, Scale, Variant, View

NEVER = 10_000_000  # steps, where the clock decides
SCALES: tuple[Scale, ...] = ("linear", "log")
# The paper's best column is also what the baselines that see nothing are asked for; DeepConvSep's
# own masks are ratios.
BASELINES: tuple[tuple[Kind, str], ...] = (
    ("class-told", "binary-log"),
    ("deepconvsep", "ratio-linear"),
)
PAPER: tuple[Kind, str] = ("paper-width", "binary-log")


@dataclass(frozen=True, slots=True)
class Pupil:
    """One network that is taught, and what it is asked for."""

    name: str
    variant: Variant
    state: State


class SeenThroughAll(Dataset[tuple[Tensor, Tensor, Mapping[str, tuple[Tensor, Tensor]]]]):
    """Mixtures by number on every frequency scale: frames, classes, and sources and mixture each.

    The frames are the largest part of a mixture, so they are given once.
    """

    def __init__(self, mixtures: Mixtures, views: Mapping[Scale, View]) -> None:
        self._mixtures, self._views = mixtures, views

    def __getitem__(
        self, number: int
    ) -> tuple[Tensor, Tensor, Mapping[str, tuple[Tensor, Tensor]]]:
        seen = self._mixtures.seen_through(list(self._views.values()), number)
        scales = {
            scale: (one.sources, one.mixture) for scale, one in zip(self._views, seen, strict=True)
        }
        return seen[0].frames, seen[0].classes, scales


def teach(
    pupils: Sequence[Pupil],
    plan: Plan,
    learned: SeenThroughAll,
    judged: Mapping[Scale, Sequence[Mixture]],
    *,
    keep: Callable[[Pupil], None],
    tell: Callable[[int, Mapping[str, float]], None],
    workers: int,
    clock: Callable[[], float] | None = None,
) -> None:
    """Go on to the plan's end with all of them, a step each in turn.

    Args:
        pupils: all at the same step; changed in place.
        plan: of all.
        learned: mixtures to learn from.
        judged: mixtures to judge by.
        keep: called with each one when it is worth keeping.
        tell: called with a step and everyone's mean loss on what is judged.
        workers: processes that make mixtures.
        clock: how much of the time has passed, from 0; at 1 it ends, before the plan's end too, and
            until then it says how much of the plan's schedule is behind. By steps unless told.

    Raises:
        TrainingError: a loss is not a number; what was kept is as it was.
    """
    team = Team()
    first = pupils[0].state.step
    loader: Iterable[tuple[Tensor, Tensor, Mapping[Scale, tuple[Tensor, Tensor]]]] = DataLoader(
        learned,
        batch_sampler=batches(plan.batch, first, plan.steps, 0, 1),  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        pin_memory=plan.device != "cpu",
    )
    device = torch.device(plan.device)
    replayed: Replayed | None = None
    for step, (frames, classes, scales) in enumerate(loader, start=first + 1):
        passed = clock() if clock else step / plan.steps
        rate = learning_rate(plan, int(min(passed, 1.0) * plan.steps) if clock else step - 1)
        shown, asked = frames.to(device, non_blocking=True), classes.to(device, non_blocking=True)
        heard = {
            scale: Mixture(
                shown,
                asked,
                sources.to(device, non_blocking=True),
                mixture.to(device, non_blocking=True),
            )
            for scale, (sources, mixture) in scales.items()
        }
        if replayed is None and can_replay(plan) and step > first + FIRST_STEPS:
            replayed = Replayed([Part(one.variant, one.state) for one in pupils], heard, team)
        if replayed is not None:
            replayed.advance(heard, rate=rate, average=plan.average)
        else:
            for pupil in pupils:
                mixtures = heard[pupil.variant.scale]
                advance(
                    pupil.state, pupil.variant, mixtures, rate=rate, average=plan.average, team=team
                )
        if step % plan.judge_every == 0 or passed >= 1:
            told = {}
            for pupil in pupils:
                unseen = judged[pupil.variant.scale]
                told[pupil.name] = judge(pupil.state.average, pupil.variant, unseen, len(unseen))
                check_loss(told[pupil.name], step)
            for pupil in pupils:  # all or none: they go on from the same step
                keep(pupil)
            tell(step, told)
        if passed >= 1:
            return


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for what cannot be used; 1 where training could not go on; 130 if stopped."""
    parser = OneLineParser(prog="training together", description=__doc__.splitlines()[0])
    add_material_options(parser)
    add_share_option(parser)
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--minutes", type=float, help="in place of steps")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--sight-width", type=int, default=32)
    parser.add_argument("--sound-width", type=int, default=16)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument(
        "--trunk", type=Path, metavar="frame-distilled.pt", help="begin from it; it may be narrower"
    )
    parser.add_argument("--paper-width", action="store_true", help="and one as wide as the paper's")
    parser.add_argument("--judge-every", type=int, default=400, metavar="STEPS")
    parser.add_argument("--judged", type=int, default=24, metavar="MIXTURES")
    parser.add_argument("--seed", type=int, default=0)
    add_device_options(parser)
    options = parser.parse_args(arguments)
    check_device(parser, options.device)
    if wrong := complaint(options):
        raise UnusableError(wrong)
    make_work(options.work)
    try:
        _run(options, open_material(options, AUDIO))
    except KeyboardInterrupt:
        # Of all that are taught: they are kept one after another.
        print(interrupted(options.work / f"{checkpoint_name(*BASELINES[-1])}.pt"), file=sys.stderr)
        return 130
    return 0


def _run(options: argparse.Namespace, material: Material) -> None:
    views = {scale: View(material.audio, scale) for scale in SCALES}
    classes = tuple(sorted({*material.learned.labels, *material.judged.labels}))
    plan = Plan(
        steps=NEVER if options.minutes else options.steps,
        batch=options.batch,
        rate=options.rate,
        optimiser="muon",
        schedule="cosine",
        average=0.998,
        judge_every=options.judge_every,
        judged=options.judged,
        patience=0,
        precision=fastest(torch.device(options.device)),
        device=options.device,
    )
    learned = Mixtures(
        material.learned,
        views["log"],
        count=options.sources,
        seed=options.seed,
        varying=Varying(),
        classes=classes,
        ensembles=shared(material.learned_ensembles, options.sources, options.ensemble_share),
    )
    unseen = Mixtures(
        material.judged,
        views["log"],
        count=options.sources,
        seed=VALIDATION_SEED,
        classes=classes,
        ensembles=shared(material.judged_ensembles, options.sources, options.ensemble_share),
    )
    judged: dict[Scale, list[Mixture]] = {
        scale: [unseen.seen_through([view], number)[0] for number in range(options.judged)]
        for scale, view in views.items()
    }
    pupils = _pupils(options, plan, views, classes)
    began = time.monotonic()

    def clock() -> float:
        return (time.monotonic() - began) / 60 / options.minutes

    def tell(step: int, told: Mapping[str, float]) -> None:
        losses = "  ".join(f"{name} {loss:.4f}" for name, loss in told.items())
        tqdm.write(f"{(time.monotonic() - began) / 60:6.2f} min  step {step}  {losses}")

    teach(
        pupils,
        plan,
        SeenThroughAll(learned, views),
        judged,
        keep=lambda pupil: keep_last(pupil, options.work),
        tell=tell,
        workers=options.workers,
        clock=clock if options.minutes else None,
    )


def keep_last(pupil: Pupil, work: Path) -> None:
    """Write its checkpoint, and remove what ``training separate`` had judged best before.

    That would be scored in place of what was learned since. If separate goes on from here, what it
    judges first is the best.

    Raises:
        TrainingError: the disk does not take it; what was there is left.
    """
    path = work / f"{pupil.name}.pt"
    pupil.state.best, pupil.state.judgements_since_best = math.inf, 0
    pupil.state.write(path)
    best_of(path).unlink(missing_ok=True)


def _pupils(
    options: argparse.Namespace, plan: Plan, views: Mapping[Scale, View], classes: tuple[str, ...]
) -> list[Pupil]:
    """Fresh ones, or as their checkpoints have them.

    Raises:
        TrainingError: the checkpoints are of other networks, or of different steps.
    """
    contests: list[tuple[Kind, str]] = [("pixelplayer", name) for name in VARIANTS]
    contests += BASELINES
    if options.paper_width:
        contests.append(PAPER)
    pupils = []
    for kind, asked in contests:
        variant = VARIANTS[asked]
        view = views[variant.scale]
        torch.manual_seed(options.seed)
        state = State(described(options, kind, view, classes), plan)
        if options.trunk and isinstance(state.model, PixelPlayer):
            state.begin_trunk(options.trunk)
        name = checkpoint_name(kind, asked)
        path = options.work / f"{name}.pt"
        if path.exists():
            state.read(path)
        pupils.append(Pupil(name, variant, state))
    steps = {pupil.name: pupil.state.step for pupil in pupils}
    if len(set(steps.values())) > 1:
        raise TrainingError(
            f"the checkpoints in {options.work} are of different steps: {steps}; "
            "remove them, or use another --work folder"
        )
    return pupils


if __name__ == "__main__":
    sys.exit(main())
