"""Whether two workers keep two cores busy, whoever else is there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.demand import Demand, demand_of
from benchmarks.loading import WORKERS, Turn, judge, main, make
from benchmarks.report import EXIT_MET, EXIT_MISSED, BenchmarkError, Report
from tests.fakes.clips import write_bank


class Waiting(Dataset[Tensor]):
    """For something else than the processor."""

    def __getitem__(self, number: int) -> Tensor:
        time.sleep(0.02)
        return torch.tensor(number)


class Counting(Dataset[Tensor]):
    """For as long, and wants nothing but the processor."""

    def __getitem__(self, number: int) -> Tensor:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return torch.tensor(number)


def missed(made: dict[int, list[Turn]]) -> list[str]:
    report = Report("made up")
    judge(report, made)
    return [row["what"] for row in report.to_plain()["rows"] if row["met"] is False]


def turn(mixtures: int, ran_s: float, waited_s: float = 0.0) -> Turn:
    return Turn(mixtures=mixtures, wall_s=2.0, had=Demand(ran_s, waited_s))


def test_a_turn_says_how_many_and_by_how_much() -> None:
    one = turn(100, ran_s=2.5, waited_s=1.3)
    assert (one.rate, one.used, one.wanted, one.worth) == (50, 1.25, 1.9, 40)


@pytest.mark.parametrize(
    ("many", "what"),
    [
        (turn(190, ran_s=3.9), []),
        (turn(20, ran_s=0.4, waited_s=3.5), []),  # beside much else
        (turn(100, ran_s=2.0, waited_s=0.1), ["want"]),  # for something else than the processor
        (turn(140, ran_s=3.9), ["mixtures"]),  # they hinder each other
    ],
)
def test_what_is_asked_of_two_is_what_two_can(many: Turn, what: list[str]) -> None:
    alone = turn(100, ran_s=2.0)
    found = missed({0: [alone] * 3, 1: [alone] * 3, 2: [many] * 3})
    assert len(found) == len(what)
    assert all(word in row for word, row in zip(what, found, strict=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_that_wait_are_told_from_workers_that_work(workers: int) -> None:
    waits, works = (make(one, workers, 2, 0.6) for one in (Waiting(), Counting()))
    assert waits.mixtures > 0
    assert works.mixtures > 0
    assert waits.wanted < 0.6 * workers
    assert works.wanted > 0.7 * workers


def test_a_process_that_is_gone_wants_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait(30)
    with pytest.raises(BenchmarkError, match="schedstat is not there"):
        demand_of([process.pid])


def test_the_command_measures_every_number_of_workers(tmp_path: Path) -> None:
    bank, file = write_bank(tmp_path / "bank"), tmp_path / "loading.json"
    line = ["--bank", str(bank), "--cache", str(tmp_path / "cache"), "--json", str(file)]
    assert main([*line, "--duration", "0.2", "--turns", "1"]) in (EXIT_MET, EXIT_MISSED)
    values = json.loads(file.read_text())["values"]
    for workers in WORKERS:
        assert values[f"mixtures_per_s_{workers}"][0] > 0
        assert values[f"cores_wanted_{workers}"][0] >= values[f"cores_used_{workers}"][0] > 0


def test_material_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="--bank wants"):
        main(["--bank", str(tmp_path), "--cache", str(tmp_path)])
