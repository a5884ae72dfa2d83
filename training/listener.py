"""Ears as they are at some step of ``training.sound``: written, read back, and gone on with."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from training.checkpoints import read_checkpoint, write_checkpoint
from training.commands import UnusableError
from training.learner import decay_at, follow
from training.muon import optimisers
from training.told import ClassSeparator

LARGEST_GRADIENT = 5.0


class Listener:
    """A network that learns, the running average of its weights, and how it was judged."""

    def __init__(self, model: ClassSeparator, rate: float = 5e-3) -> None:
        """``model`` is where it learns, on its device; ``rate`` is set again at every step."""
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(requires_grad=False).eval()
        self.steppers = optimisers(model, rate)
        self.step, self.used_s = 0, 0.0
        self.least_loss, self.judgements_since_best = math.inf, 0
        self._best: dict[str, Tensor] | None = None

    def learn(self, rate: float, decay: float) -> None:
        """One step, by the gradients that there are."""
        for group in (group for stepper in self.steppers for group in stepper.param_groups):
            group["lr"] = rate
        nn.utils.clip_grad_norm_(self.model.parameters(), LARGEST_GRADIENT)
        for stepper in self.steppers:
            stepper.step()
        follow(self.average, self.model, decay_at(self.step, decay))
        self.step += 1

    def judged(self, loss: float) -> None:
        """Remember the average as it is if no judgement was better."""
        self.judgements_since_best += 1
        if loss < self.least_loss:
            self.least_loss, self.judgements_since_best = loss, 0
            self._best = {name: one.clone() for name, one in self.average.state_dict().items()}

    def write(self, path: Path) -> None:
        """Atomically; ``model`` in it is what to use, ``last`` what is gone on with.

        Raises:
            TrainingError: the disk does not take it; the former file is left.
        """
        state: dict[str, Any] = {
            "model": self.average.state_dict() if self._best is None else self._best,
            "last": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [stepper.state_dict() for stepper in self.steppers],
            "used_s": self.used_s,
            "step": self.step,
            "least_loss": self.least_loss,
            "judgements_since_best": self.judgements_since_best,
            "classes": self.model.classes,
            "network": self.model.network,
        }
        write_checkpoint(path, state, self.step)

    def read(self, path: Path) -> None:
        """What ``write`` wrote.

        Raises:
            UnusableError: it is broken, or of another network, or of other classes.
        """
        remedy = "delete it to begin anew, or use another --work folder"
        device = self.model.table.device
        state = read_checkpoint(
            path, remedy, "last", "average", "optimisers", "least_loss", device=device
        )
        try:
            if state["classes"] != self.model.classes:
                raise ValueError(f"it knows {state['classes']}")
            self.model.load_state_dict(state["last"])
            self.average.load_state_dict(state["average"])
            for stepper, kept in zip(self.steppers, state["optimisers"], strict=True):
                stepper.load_state_dict(kept)
        except (RuntimeError, ValueError) as error:
            raise UnusableError(
                f"{path} does not go on with these options ({str(error).splitlines()[0]}); {remedy}"
            ) from error
        self.step, self.used_s = state["step"], state["used_s"]
        self.least_loss = state["least_loss"]
        self.judgements_since_best = state["judgements_since_best"]
        self._best = state["model"] if math.isfinite(self.least_loss) else None
