"""One network that learns by Mix-and-Separate: its plan, its state, and one step of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from training.checkpoints import TrainingError, check_loss, read_checkpoint, write_checkpoint
from training.mixing import Mixture, Mixtures
from training.muon import optimisers
from training.precision import Precision, Stepper
from training.separators import Make, PixelPlayer, make
from training.team import Team
from training.variants import Variant
from training.widen import widened_trunk

TRUNK_RATE = 0.1  # of the learning rate, for the visual network's trunk (paper section 4.3)
LARGEST_GRADIENT = 5.0


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
            UnusableError: it is missing or broken.
            TrainingError: it is of another make.
        """
        remedy = "--trunk wants the frame-distilled.pt that `python -m training distill` leaves"
        weights = read_checkpoint(path, remedy)
        prefix = "frame_net.features."
        known = {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}
        for model in (self.model, self.average):
            try:
                model.frame.features.load_state_dict(widened_trunk(known, model.frame.features))
            except ValueError as error:
                raise TrainingError(
                    f"{path} is no trunk to begin from ({error}): {remedy}"
                ) from error
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

    def write_average(self, path: Path) -> None:
        """The averaged weights alone, which are judged: enough to separate with, not to go on from.

        Raises:
            TrainingError: the disk does not take it; the former file is left.
        """
        values = {"what": asdict(self.what), "average": self.average.state_dict()}
        write_checkpoint(path, {**values, "step": self.step, "best": self.best}, self.step)

    def read(self, path: Path) -> None:
        """What ``write`` wrote.

        Raises:
            UnusableError: the file is broken.
            TrainingError: it is of another model.
        """
        remedy = "delete it to begin anew, or use another --work folder"
        values = read_checkpoint(path, remedy, device=self.device)
        try:
            if values["what"] != asdict(self.what):
                raise ValueError("it is of another network")
            self.model.load_state_dict(values["model"])
            self.average.load_state_dict(values["average"])
            for optimiser, kept in zip(self.optimisers, values["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
            self.stepper.load_state_dict(values["stepper"])
        except Exception as error:
            lacking = f"it has no {error}" if isinstance(error, KeyError) else ""
            raise TrainingError(
                f"{path} does not go on with these options "
                f"({lacking or str(error).splitlines()[0]}); "
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
    heard = Mixture(*(part.to(state.device) for part in heard))
    loss = learn(state, variant, heard, team).item()
    check_loss(loss, state.step)
    follow(state.average, state.model, decay_at(state.step, average))
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


def learn(state: State, variant: Variant, heard: Mixture, team: Team) -> Tensor:
    """Move the weights by one batch that is on their device; gives the loss before, float64."""
    model, stepper = state.model, state.stepper
    model.train()
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
    return shared


def decay_at(step: int, average: float) -> float:
    """How much of the running average is kept in a step: little of what came first."""
    return min(average, 1 - 1 / (step + 2))


def follow(average: nn.Module, model: nn.Module, decay: float | Tensor) -> None:
    """Move a running average of all weights, and the batch norms' statistics, towards the model."""
    pairs = list(zip(average.state_dict().values(), model.state_dict().values(), strict=True))
    kept, now = zip(*[pair for pair in pairs if pair[0].is_floating_point()], strict=True)
    with torch.no_grad():
        moved = torch._foreach_sub(now, kept)
        torch._foreach_mul_(moved, 1 - decay)
        torch._foreach_add_(kept, moved)
        for former, latest in pairs:
            if not former.is_floating_point():
                former.copy_(latest)


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
