"""A training of the paper's kind that takes no time: tones, tiny networks, a few steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from tests.fakes.clips import ToneClips
from training.learner import Plan, State
from training.mixing import Mixtures, Varying
from training.paper import AUDIO
from training.separate import train
from training.separators import LEAST_SIGHT_WIDTH, Make
from training.team import Team
from training.variants import VARIANTS, View

VARIANT = VARIANTS["binary-log"]
PLAN = Plan(
    steps=6,
    batch=2,
    rate=2e-3,
    optimiser="muon",
    schedule="cosine",
    average=0.9,
    judge_every=2,
    judged=2,
    patience=0,
)


def tiny(**changes: object) -> Make:
    values: dict = {
        "kind": "pixelplayer",
        "bins": 256,
        "columns": 256,
        "channels": 3,
        "sight_width": LEAST_SIGHT_WIDTH,
        "sound_width": 2,
        "classes": ("bell", "drone", "pipe"),
    }
    return Make(**(values | changes))


def mixtures(varying: Varying | None = None, seed: int = 0) -> Mixtures:
    return Mixtures(ToneClips(), View(AUDIO, "log"), count=2, seed=seed, varying=varying)


def fresh(plan: Plan = PLAN, **changes: object) -> State:
    torch.manual_seed(0)
    return State(tiny(**changes), plan)


class Told:
    """What a training said and kept."""

    def __init__(self) -> None:
        self.numbers: dict[int, Mapping[str, float]] = {}

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        self.numbers[step] = numbers


def run(state: State, plan: Plan = PLAN, path: Path | None = None, **changes: object) -> Told:
    told = Told()
    arguments: dict = {
        "keep": lambda kept: kept.write(path) if path else None,
        "tell": told.tell,
        "team": Team(),
    }
    learned = arguments | changes
    data = learned.pop("learned", mixtures(Varying()))
    train(state, plan, VARIANT, data, mixtures(seed=1), **learned)
    return told
