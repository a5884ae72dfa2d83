"""The paper's training: both networks end to end, by Mix-and-Separate (section 3.2).

    python -m training separate --variant binary-log --bank DATA --work runs/paper --steps 4000
    python -m training separate --variant ratio-linear --music DATA --work runs/music --steps 100000

Started again with the same options it goes on from its last checkpoint, to the same result as if
it had never stopped. ``torchrun --nproc-per-node N -m training separate …`` shares the work.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from training.checkpoints import TrainingError, check_loss, write_checkpoint
from training.clips import ClipError
from training.material import Material, add_material_options, open_material
from training.mixing import Mixture, Mixtures, Varying, batches
from training.muon import optimisers
from training.paper import AUDIO
from training.precision import (
    PRECISIONS,
    Precision,
    Stepper,
    add_device_options,
    check_device,
    fastest,
)
from training.separators import KINDS, LEAST_SIGHT_WIDTH, Kind, Make, PixelPlayer, make
from training.team import Team
from training.variants import VARIANTS, Variant, View
from training.widen import widened_trunk

TRUNK_RATE = 0.1  # of the learning rate, for the visual network's trunk (paper section 4.3)
LARGEST_GRADIENT = 5.0
VALIDATION_SEED = 1_000_003


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a training goes; what ``State`` reaches depends on these and the material alone."""

    steps: int
    batch: int
    rate: float
    optimiser: str  # "sgd", as the paper's, or "muon"
    schedule: str  # "step", as the paper's, or "cosine"
    average: float  # decay of the weights' running average
    judge_every: int  # steps
    judged: int  # mixtures
    patience: int  # judgements without a better one before it stops; 0: never
    precision: Precision = "float32"
    device: str = "cpu"


class State:
    """All that a training is at some step; it can be written and read back."""

    def __init__(self, what: Make, plan: Plan) -> None:
        self.what = what
        self.device = torch.device(plan.device)
        self.model = make(what).to(self.device, memory_format=torch.channels_last)
        model = self.model
        self.average = copy.deepcopy(model).requires_grad_(requires_grad=False)
        self.optimisers = _optimisers(model, plan)
        self.stepper = Stepper(self.device, plan.precision, LARGEST_GRADIENT)
        self.step = 0
        self.best = math.inf
        self.judgements_since_best = 0
        self.losses: list[float] = []

    def begin_trunk(self, path: Path) -> None:
        """Take over the visual network's trunk, or a narrower one, from ``training.distill``.

        Raises:
            TrainingError: it is of another make.
        """
        weights = torch.load(path, weights_only=True, map_location="cpu")
        prefix = "frame_net.features."
        known = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        for model in (self.model, self.average):
            try:
                model.frame.features.load_state_dict(widened_trunk(known, model.frame.features))
            except ValueError as error:
                raise TrainingError(f"{path} is no trunk to begin from: {error}") from error
        self.average.load_state_dict(self.model.state_dict())  # what is new is new in both

    def write(self, path: Path) -> None:
        """Atomically: whatever happens meanwhile, ``path`` is whole.

        Raises:
            TrainingError: the disk does not take it; the former file is left.
        """
        values = {
            "what": asdict(self.what),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "stepper": self.stepper.state_dict(),
            "step": self.step,
            "best": self.best,
            "judgements_since_best": self.judgements_since_best,
            "losses": self.losses,
        }
        write_checkpoint(path, values, self.step)

    def read(self, path: Path) -> None:
        """What ``write`` wrote.

        Raises:
            TrainingError: the file is of another model, or broken.
        """
        try:
            values: Mapping[str, Any] = torch.load(
                path, map_location=self.device, weights_only=True
            )
            if values["what"] != asdict(self.what):
                raise ValueError("it is of another network")
            self.model.load_state_dict(values["model"])
            self.average.load_state_dict(values["average"])
            for optimiser, kept in zip(self.optimisers, values["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            self.stepper.load_state_dict(values["stepper"])
        except Exception as error:
            raise TrainingError(
                f"{path} does not go on with these options ({str(error).splitlines()[0]}); "
                "use the ones it began with, or another --work folder"
            ) from error
        self.step, self.best = values["step"], values["best"]
        self.judgements_since_best = values["judgements_since_best"]
        self.losses = list(values["losses"])


def learning_rate(plan: Plan, step: int) -> float:
    """The rate of one step: as the paper's, a tenth from 40 % on and again from 80 % on; or half a
    cosine down to 0. Both rise over the first hundredth.
    """
    rise = min(1.0, (step + 1) / max(1, plan.steps // 100))
    progress = step / plan.steps
    if plan.schedule == "cosine":
        return plan.rate * rise * 0.5 * (1 + math.cos(math.pi * progress))
    return plan.rate * rise * 0.1 ** ((progress >= 0.4) + (progress >= 0.8))


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
        TrainingError: a loss is not a number.
    """
    numbers = batches(plan.batch, state.step, plan.steps, team.rank, team.size)
    loader = DataLoader(
        learned,
        batch_sampler=numbers,  # type: ignore[arg-type]
        num_workers=workers,
        prefetch_factor=3,
    )
    for heard in _shown(loader, state.step, plan.steps, team):
        rate = learning_rate(plan, state.step)
        loss = advance(state, variant, heard, rate=rate, average=plan.average, team=team)
        told = {"loss": loss, "rate": rate}
        if state.step % plan.judge_every == 0 or state.step == plan.steps:
            team.average([*state.average.buffers(), *state.model.buffers()])
            told["judged"] = judgement = judge(state.average, variant, judged, plan.judged)
            better = judgement < state.best
            state.judgements_since_best = 0 if better else state.judgements_since_best + 1
            state.best = min(state.best, judgement)
            if team.rank == 0:
                keep(state)
        if team.rank == 0:
            tell(state.step, told)
        if plan.patience and state.judgements_since_best >= plan.patience:
            return


def advance(
    state: State, variant: Variant, heard: Mixture, *, rate: float, average: float, team: Team
) -> float:
    """One step, from a batch of mixtures; gives the loss before it.

    Raises:
        TrainingError: the loss is not a number.
    """
    for optimiser in state.optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]
    loss = _learn(state, variant, heard, team)
    check_loss(loss, state.step)
    _follow(state.average, state.model, min(average, 1 - 1 / (state.step + 2)))
    state.step += 1
    state.losses.append(loss)
    return loss


def judge(
    model: nn.Module, variant: Variant, judged: Mixtures | Sequence[Mixture], count: int
) -> float:
    """Mean loss on the first ``count`` mixtures, without learning from them."""
    model.eval()
    device = next(model.parameters()).device
    losses = []
    with torch.inference_mode():
        for number in range(count):
            heard = Mixture(*(part.unsqueeze(0).to(device) for part in judged[number]))
            targets = variant.targets(heard.sources, heard.mixture)
            losses.append(variant.loss(model(heard), targets, heard.mixture).item())
    return sum(losses) / len(losses)


def _learn(state: State, variant: Variant, heard: Mixture, team: Team) -> float:
    model, stepper = state.model, state.stepper
    model.train()
    heard = Mixture(*(part.to(state.device) for part in heard))
    with stepper.mixed():
        answers = model(heard)
    targets = variant.targets(heard.sources, heard.mixture)
    loss = variant.loss(answers.float(), targets, heard.mixture)
    model.zero_grad()
    stepper.backward(loss)
    team.average(weight.grad for weight in model.parameters() if weight.grad is not None)
    stepper.step(model, state.optimisers)
    shared = loss.detach().double()
    team.average([shared])
    return shared.item()


def _follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move a running average of all weights, and the batch norms' statistics, towards the model."""
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    moving = [(kept, now) for kept, now in pairs if kept.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_(*(list(some) for some in zip(*moving, strict=True)), 1 - decay)
        for kept, now in pairs:
            if not kept.is_floating_point():
                kept.copy_(now)


def _optimisers(model: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """For the eyes, which learn slowly, and for the rest; ``share`` is theirs of the rate."""
    trunk = list(model.frame.features.parameters()) if isinstance(model, PixelPlayer) else []
    of_trunk = {id(weight) for weight in trunk}
    rest = [weight for weight in model.parameters() if id(weight) not in of_trunk]
    made: list[torch.optim.Optimizer] = []
    for weights, share in ((trunk, TRUNK_RATE), (rest, 1.0)):
        if not weights:
            continue
        if plan.optimiser == "muon":
            several = optimisers(_Weights(weights), plan.rate, weight_decay=1e-4)
        else:
            several = [torch.optim.SGD(weights, lr=plan.rate, momentum=0.9, weight_decay=1e-4)]
        for optimiser in several:
            for group in optimiser.param_groups:
                group["share"] = share
        made += several
    return made


class _Weights(nn.Module):
    """Some weights as a module, for ``training.muon``."""

    def __init__(self, weights: Iterable[nn.Parameter]) -> None:
        super().__init__()
        self.weights = nn.ParameterList(weights)


def _shown(loader: DataLoader[Mixture], first: int, steps: int, team: Team) -> Iterable[Mixture]:
    if team.rank:
        return loader
    return tqdm(loader, total=steps, initial=first, unit="step", disable=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for material that cannot be used; 1 where training could not go on."""
    parser = argparse.ArgumentParser(prog="training separate", description=__doc__.splitlines()[0])
    add_material_options(parser)
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
    try:
        with Team() as team:
            _run(options, open_material(options, AUDIO), team)
    except ClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
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
    )
    judged = Mixtures(
        material.judged, view, count=options.sources, seed=VALIDATION_SEED, classes=classes
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
    options.work.mkdir(parents=True, exist_ok=True)
    name = checkpoint_name(options.network, options.variant)
    path = options.work / f"{name}.pt"
    if path.exists():
        state.read(path)
    with _Scalars(options.work / "scalars" / name, team) as scalars:
        train(
            state,
            plan,
            variant,
            learned,
            judged,
            keep=lambda kept: kept.write(path),
            tell=scalars.tell,
            team=team,
            workers=options.workers,
        )


class _Scalars:
    """TensorBoard's scalars of one training; the first process writes them."""

    def __init__(self, folder: Path, team: Team) -> None:
        self._folder, self._writes = folder, team.rank == 0

    def __enter__(self) -> _Scalars:
        if self._writes:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder))
        return self

    def __exit__(self, *_: object) -> None:
        if self._writes:
            self._writer.close()

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        """Add them to the curves."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)
        if "judged" in numbers:
            tqdm.write(f"step {step}  loss {numbers['loss']:.4f}  judged {numbers['judged']:.4f}")


if __name__ == "__main__":
    sys.exit(main())
