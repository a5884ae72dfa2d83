"""Whether making mixtures keeps two cores busy: how many a second, by the number of workers.

python -m benchmarks.loading              of the virtual band
python -m benchmarks.loading --bank DATA  of a sample bank

Nobody learns from them: a batch is taken as soon as it is there, so that workers wait for nothing
but the processor. Told are the cores that they use, and the cores that they would use: with the
time in which they were ready and others ran. The second number is the same on a machine with much
else to do. All is measured in turns.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil
from torch.utils.data import Dataset

from benchmarks.demand import Demand, demand_of
from benchmarks.report import BenchmarkError, Report, command, command_line
from training.clips import ClipError
from training.loading import AHEAD, loader
from training.material import add_material_options, open_material
from training.mixing import Mixtures, Varying, batches
from training.paper import AUDIO
from training.variants import View

WORKERS = (0, 1, 2)
MOST = WORKERS[-1]
LEAST_WANTED = 0.95  # cores, of each worker
LEAST_WORTH = 0.75  # mixtures for a second of processor, of two against one: caches are shared
_NEVER = 1 << 40  # steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stretch of making: how many in ``wall_s``, and what those who made them had."""

    mixtures: int
    wall_s: float
    had: Demand

    @property
    def rate(self) -> float:
        """Mixtures a second."""
        return self.mixtures / self.wall_s

    @property
    def used(self) -> float:
        """Cores."""
        return self.had.ran_s / self.wall_s

    @property
    def wanted(self) -> float:
        """Cores, those included that others had."""
        return (self.had.ran_s + self.had.waited_s) / self.wall_s

    @property
    def worth(self) -> float:
        """Mixtures for a second of processor."""
        return self.mixtures / self.had.ran_s


def make(made: Dataset[Any], workers: int, batch: int, duration_s: float) -> Turn:
    """Take batches for ``duration_s``, after as many as the workers have ready at first."""
    others = {child.pid for child in psutil.Process().children()}
    ready = iter(loader(made, batches(batch, 0, _NEVER, 0, 1), workers))
    for _ in range(1 + workers * AHEAD):
        next(ready)
    makers = {child.pid for child in psutil.Process().children()} - others or {os.getpid()}
    begun, before, taken = time.monotonic(), demand_of(makers), 0
    while time.monotonic() - begun < duration_s:
        next(ready)
        taken += batch
    had = demand_of(makers) - before
    return Turn(mixtures=taken, wall_s=time.monotonic() - begun, had=had)


def judge(report: Report, made: Mapping[int, Sequence[Turn]]) -> None:
    """Tell the turns, by number of workers."""

    def middle(workers: int, what: Callable[[Turn], float]) -> float:
        return statistics.median(what(turn) for turn in made[workers])

    for workers, turns in made.items():
        told = (
            f"{middle(workers, lambda turn: turn.rate):.1f} mixtures/s; "
            f"{middle(workers, lambda turn: turn.used):.2f} cores used, "
            f"{middle(workers, lambda turn: turn.wanted):.2f} wanted; "
            f"{1000 / middle(workers, lambda turn: turn.worth):.1f} ms each"
        )
        report.note(f"{workers} workers", told)
        report.keep(f"mixtures_per_s_{workers}", [turn.rate for turn in turns])
        report.keep(f"cores_used_{workers}", [turn.used for turn in turns])
        report.keep(f"cores_wanted_{workers}", [turn.wanted for turn in turns])
        report.keep(f"mixtures_per_cpu_s_{workers}", [turn.worth for turn in turns])
    wanted = middle(MOST, lambda turn: turn.wanted)
    report.at_least(f"{MOST} workers want", wanted, MOST * LEAST_WANTED, "cores")
    worth = statistics.median(
        many.worth / alone.worth for many, alone in zip(made[MOST], made[0], strict=True)
    )
    report.at_least("… mixtures for a second of processor, against none", worth, LEAST_WORTH, "x")


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
    for _ in range(options.turns):
        for workers in WORKERS:
            turns[workers].append(make(made, workers, options.batch, options.duration))
    report = Report("making mixtures")
    judge(report, turns)
    return report.publish(options.json)


if __name__ == "__main__":
    command(main)
