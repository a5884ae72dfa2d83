"""The paper's training: both networks end to end, by Mix-and-Separate (section 3.2).

    python -m training separate --variant binary-log --bank DATA --work runs/paper --steps 4000
    python -m training separate --variant ratio-linear --music DATA --work runs/music --steps 100000

Started again with the same options it goes on from its last checkpoint, to the same result as if
it had never stopped. Beside that lies what was judged best, as ``binary-log.best.pt``.
``torchrun --nproc-per-node N -m training separate …`` shares the work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from pixelplayer.one_line import OneLineParser
from training.asked import complaint, interrupted
from training.checkpoints import check_loss
from training.commands import UnusableError, command, make_work
from training.learner import Plan, State, advance, judge, learning_rate
from training.loading import loader
from training.material import (
    Material,
    add_material_options,
    add_share_option,
    open_material,
    shared,
)
from training.mixing import Mixture, Mixtures, Varying, batches
from training.paper import AUDIO
from training.precision import (
    PRECISIONS,
    add_device_options,
    check_device,
    fastest,
)
from training.scalars import Scalars
from training.separators import KINDS, LEAST_SIGHT_WIDTH, Kind, Make, PixelPlayer
from training.team import Team
from training.variants import VARIANTS, Variant, View

VALIDATION_SEED = 1_000_003


def train(
    state: State,
    plan: Plan,
    variant: Variant,
    learned: Mixtures,
    judged: Mixtures,
    *,
    keep: Callable[[State], None],
    tell: Callable[[int, Mapping[str, float]], None],
    team: Team,
    workers: int = 1,
) -> None:
    """Go on from ``state`` to the plan's end, or until judgements do not get better.

    Args:
        state: changed in place.
        plan, variant: what is done.
        learned, judged: mixtures to learn from, and to judge by.
        keep: called with a state worth keeping, by the first process only.
        tell: called with a step and numbers of it, by the first process only.
        team: the processes that share the work.
        workers: processes that make mixtures.

    Raises:
        TrainingError: a loss is not a number; what was kept is as it was.
    """
    numbers = batches(plan.batch, state.step, plan.steps, team.rank, team.size)
    made = loader(learned, numbers, workers)
    for heard in _shown(made, state.step, plan.steps, team):
        rate = learning_rate(plan, state.step)
        loss = advance(state, variant, heard, rate=rate, average=plan.average, team=team)
        told = {"loss": loss, "rate": rate}
        if state.step % plan.judge_every == 0 or state.step == plan.steps:
            team.average([*state.average.buffers(), *state.model.buffers()])
            told["judged"] = judgement = judge(state.average, variant, judged, plan.judged)
            check_loss(judgement, state.step)
            better = judgement < state.best
            state.judgements_since_best = 0 if better else state.judgements_since_best + 1
            state.best = min(state.best, judgement)
            if team.rank == 0:
                keep(state)
        if team.rank == 0:
            tell(state.step, told)
        if plan.patience and state.judgements_since_best >= plan.patience:
            return


def _shown(made: DataLoader[Mixture], first: int, steps: int, team: Team) -> Iterable[Mixture]:
    if team.rank:
        return made
    return tqdm(made, total=steps, initial=first, unit="step", disable=None)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for what cannot be used; 1 where training could not go on; 130 if stopped."""
    parser = OneLineParser(prog="training separate", description=__doc__.splitlines()[0])
    add_material_options(parser)
    add_share_option(parser)
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--variant", choices=VARIANTS, default="binary-log")
    parser.add_argument("--network", choices=KINDS, default="pixelplayer")
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--optimiser", choices=["sgd", "muon"], default="muon")
    parser.add_argument("--schedule", choices=["step", "cosine"], default="cosine")
    parser.add_argument("--average", type=float, default=0.998, metavar="DECAY")
    parser.add_argument("--sight-width", type=int, default=32, help=f"{LEAST_SIGHT_WIDTH} or more")
    parser.add_argument("--sound-width", type=int, default=16)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--judge-every", type=int, default=200, metavar="STEPS")
    parser.add_argument("--judged", type=int, default=24, metavar="MIXTURES")
    parser.add_argument("--patience", type=int, default=0, metavar="JUDGEMENTS")
    parser.add_argument("--trunk", type=Path, metavar="frame-distilled.pt", help="begin from it")
    parser.add_argument("--seed", type=int, default=0)
    add_device_options(parser)
    parser.add_argument("--precision", choices=PRECISIONS, help="default: the fastest there")
    options = parser.parse_args(arguments)
    check_device(parser, options.device)
    if options.sight_width < LEAST_SIGHT_WIDTH:
        parser.error(f"--sight-width is at least {LEAST_SIGHT_WIDTH}, got {options.sight_width}")
    if wrong := complaint(options):
        raise UnusableError(wrong)
    make_work(options.work)
    try:
        with Team() as team:
            _run(options, open_material(options, AUDIO), team)
    except KeyboardInterrupt:
        name = checkpoint_name(options.network, options.variant)
        print(interrupted(options.work / f"{name}.pt"), file=sys.stderr)
        return 130
    return 0


def described(
    options: argparse.Namespace, kind: Kind, view: View, classes: tuple[str, ...]
) -> Make:
    """A network of the widths in the options, for spectrograms of that view."""
    return Make(
        kind=kind,
        bins=view.bins,
        columns=view.audio.columns,
        channels=options.channels,
        sight_width=options.sight_width,
        sound_width=options.sound_width,
        classes=classes,
    )


def checkpoint_name(kind: str, variant: str) -> str:
    """Of a file without its suffix: ``binary-log``, ``class-told-binary-log``."""
    return variant if kind == "pixelplayer" else f"{kind}-{variant}"


def trained(work: Path, name: str) -> Path:
    """The checkpoint to separate with: the one that was judged best, else the last."""
    best = best_of(work / f"{name}.pt")
    return best if best.exists() else work / f"{name}.pt"


def best_of(path: Path) -> Path:
    """Where the best weights of a training lie whose last ones are at ``path``."""
    return path.with_suffix(".best.pt")


def _run(options: argparse.Namespace, material: Material, team: Team) -> None:
    variant = VARIANTS[options.variant]
    view = View(material.audio, variant.scale)
    classes = tuple(sorted({*material.learned.labels, *material.judged.labels}))
    learned = Mixtures(
        material.learned,
        view,
        count=options.sources,
        seed=options.seed,
        varying=Varying(),
        classes=classes,
        ensembles=shared(material.learned_ensembles, options.sources, options.ensemble_share),
    )
    judged = Mixtures(
        material.judged,
        view,
        count=options.sources,
        seed=VALIDATION_SEED,
        classes=classes,
        ensembles=shared(material.judged_ensembles, options.sources, options.ensemble_share),
    )
    plan = Plan(
        steps=options.steps,
        batch=options.batch,
        rate=options.rate,
        optimiser=options.optimiser,
        schedule=options.schedule,
        average=options.average,
        judge_every=options.judge_every,
        judged=options.judged,
        patience=options.patience,
        precision=options.precision or fastest(torch.device(options.device)),
        device=team.device(options.device),
    )
    torch.manual_seed(options.seed)
    state = State(described(options, options.network, view, classes), plan)
    if options.trunk and isinstance(state.model, PixelPlayer):
        state.begin_trunk(options.trunk)
    name = checkpoint_name(options.network, options.variant)
    path = options.work / f"{name}.pt"
    if path.exists():
        state.read(path)
    if state.step >= plan.steps:
        if team.rank == 0:
            print(
                f"{path} is finished: {state.step} steps, judged {state.best:.4f} at best; "
                f"--steps {2 * state.step} goes on from it"
            )
        return
    with ExitStack() as stack:
        if team.rank == 0:  # the only one that tells
            scalars = stack.enter_context(closing(Scalars(options.work / "scalars" / name)))

        def tell(step: int, numbers: Mapping[str, float]) -> None:
            scalars.add(step, numbers)
            if "judged" in numbers:
                told = f"loss {numbers['loss']:.4f}  judged {numbers['judged']:.4f}"
                tqdm.write(f"step {step}  {told}")

        def keep(kept: State) -> None:
            if not kept.judgements_since_best:
                kept.write_average(best_of(path))  # first: a kill after it is a step done again
            kept.write(path)

        train(
            state,
            plan,
            variant,
            learned,
            judged,
            keep=keep,
            tell=tell,
            team=team,
            workers=options.workers,
        )


if __name__ == "__main__":
    sys.exit(main())
