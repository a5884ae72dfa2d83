"""Whether making mixtures keeps two cores busy: how many a second, by the number of workers.

python -m benchmarks.loading              of the virtual band
python -m benchmarks.loading --bank DATA  of a sample bank

Nobody learns from them: a batch is taken as soon as it is there, so that workers wait for nothing.
What they get of the processor (seconds of the whole process tree per second) is held against what
the same workers get when they only count: where other programs share the machine, both get less.
All is measured in turns.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.process_tree import look
from benchmarks.report import BenchmarkError, Report, command, command_line
from training.clips import ClipError
from training.loading import AHEAD, loader
from training.material import add_material_options, open_material
from training.mixing import Mixtures, Varying, batches
from training.paper import AUDIO
from training.variants import View

WORKERS = (0, 1, 2)
MOST = WORKERS[-1]
LEAST_BUSY = 0.9  # of what the same workers get when they only count
LEAST_WORTH = 0.85  # mixtures for a second of processor, of several against one: shared memory
_COUNTING_S = 0.02  # of the processor, about what a mixture takes
_NEVER = 1 << 40  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stretch of making: how much of it in ``wall_s``, and the processor's time for it."""

    mixtures: int
    wall_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Mixtures a second."""
        return self.mixtures / self.wall_s

    @property
    def cores(self) -> float:
        """Processor seconds per second."""
        return self.cpu_s / self.wall_s


def make(made: Dataset[Any], workers: int, batch: int, duration_s: float) -> Turn:
    """Take batches for ``duration_s``, after as many as the workers have ready at first."""
    ready = iter(loader(made, batches(batch, 0, _NEVER, 0, 1), workers))
    for _ in range(1 + workers * AHEAD):
        next(ready)
    before, taken = look(os.getpid()), 0
    while time.monotonic() - before.at_s < duration_s:
        next(ready)
        taken += batch
    after = look(os.getpid())
    return Turn(mixtures=taken, wall_s=after.at_s - before.at_s, cpu_s=after.cpu_s - before.cpu_s)


class Counting(Dataset[Tensor]):
    """What takes as long as a mixture, and wants nothing but the processor."""

    def __getitem__(self, number: int) -> Tensor:
        until = time.thread_time() + _COUNTING_S
        while time.thread_time() < until:
            pass
        return torch.tensor(number)


def judge(report: Report, made: Mapping[int, Sequence[Turn]], counted: Sequence[Turn]) -> None:
    """Tell the turns by number of workers, and those in which the most of them only counted."""
    for workers, turns in made.items():
        rate = statistics.median(turn.rate for turn in turns)
        cores = statistics.median(turn.cores for turn in turns)
        who = "none" if not workers else f"{workers}"
        report.note(f"workers: {who}", f"{rate:.1f} mixtures/s, {cores:.2f} cores")
        report.keep(f"mixtures_per_s_{workers}", [turn.rate for turn in turns])
        report.keep(f"cores_{workers}", [turn.cores for turn in turns])
    got = statistics.median(turn.cores for turn in counted)
    report.note(f"{MOST} workers that only count", f"{got:.2f} cores")
    report.keep("cores_counting", [turn.cores for turn in counted])
    pairs = list(zip(made[MOST], counted, strict=True))
    busy = statistics.median(turn.cores / beside.cores for turn, beside in pairs)
    report.at_least(f"{MOST} workers: cores, against those", busy, LEAST_BUSY, "x")
    worth = statistics.median(
        (many.mixtures / many.cpu_s) / (alone.mixtures / alone.cpu_s)
        for many, alone in zip(made[MOST], made[0], strict=True)
    )
    report.at_least(
        "… mixtures for a second of processor, against no worker", worth, LEAST_WORTH, "x"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure in turns, print."""
    parser = command_line(__doc__)
    add_material_options(parser)
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--batch", type=int, default=8, metavar="MIXTURES")
    parser.add_argument("--duration", type=float, default=4.0, metavar="S", help="of a turn (4)")
    parser.add_argument("--turns", type=int, default=5, metavar="N", help="of each (5)")
    options = parser.parse_args(arguments)
    options.band |= not (options.bank or options.music)
    try:
        material = open_material(options, AUDIO)
        made = Mixtures(
            material.learned,
            View(AUDIO, "log"),
            count=options.sources,
            seed=0,
            varying=Varying(),
        )
    except ClipError as error:
        raise BenchmarkError(str(error)) from error
    turns: dict[int, list[Turn]] = {workers: [] for workers in WORKERS}
    counted: list[Turn] = []
    for _ in range(options.turns):
        for workers in WORKERS:
            turns[workers].append(make(made, workers, options.batch, options.duration))
        counted.append(make(Counting(), MOST, options.batch, options.duration))
    report = Report("making mixtures")
    judge(report, turns, counted)
    return report.publish(options.json)


if __name__ == "__main__":
    command(main)
