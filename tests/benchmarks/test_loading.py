"""Whether workers that wait are told from workers that work."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.loading import WORKERS, Counting, Turn, judge, main, make
from benchmarks.report import EXIT_MET, EXIT_MISSED, BenchmarkError, Report
from tests.fakes.clips import write_bank


class Waiting(Dataset[Tensor]):
    """As long as Counting, for something else than the processor."""

    def __getitem__(self, number: int) -> Tensor:
        time.sleep(0.02)
        return torch.tensor(number)


def missed(made: dict[int, list[Turn]], counted: list[Turn]) -> list[str]:
    report = Report("made up")
    judge(report, made, counted)
    return [row["what"] for row in report.to_plain()["rows"] if row["met"] is False]


def turn(*, mixtures: int, cpu_s: float) -> Turn:
    return Turn(mixtures=mixtures, wall_s=2.0, cpu_s=cpu_s)


def test_a_turn_says_how_many_and_by_how_much() -> None:
    one = turn(mixtures=100, cpu_s=3.8)
    assert (one.rate, one.cores) == (50, 1.9)


@pytest.mark.parametrize(
    ("many", "what"),
    [
        (turn(mixtures=190, cpu_s=3.9), []),
        (turn(mixtures=100, cpu_s=2.0), ["cores"]),  # they wait
        (turn(mixtures=140, cpu_s=3.9), ["mixtures"]),  # they hinder each other
    ],
)
def test_what_is_asked_of_two_is_what_two_can(many: Turn, what: list[str]) -> None:
    alone = turn(mixtures=100, cpu_s=2.0)
    counted = [turn(mixtures=0, cpu_s=4.0)] * 3
    found = missed({0: [alone] * 3, 1: [alone] * 3, 2: [many] * 3}, counted)
    assert len(found) == len(what)
    assert all(word in row for word, row in zip(what, found, strict=True))


def test_on_a_shared_machine_less_is_asked() -> None:
    alone, many = turn(mixtures=20, cpu_s=0.4), turn(mixtures=39, cpu_s=0.8)
    counted = [turn(mixtures=0, cpu_s=0.82)] * 3
    assert missed({0: [alone] * 3, 1: [alone] * 3, 2: [many] * 3}, counted) == []


def test_workers_that_wait_are_seen_to() -> None:
    waits, works = (make(one, 2, 2, 0.5) for one in (Waiting(), Counting()))
    assert waits.mixtures > 0
    assert works.mixtures > 0
    assert waits.cores < 0.5 * works.cores


def test_the_command_measures_every_number_of_workers(tmp_path: Path) -> None:
    bank, file = write_bank(tmp_path / "bank"), tmp_path / "loading.json"
    line = ["--bank", str(bank), "--cache", str(tmp_path / "cache"), "--json", str(file)]
    assert main([*line, "--duration", "0.2", "--turns", "1"]) in (EXIT_MET, EXIT_MISSED)
    values = json.loads(file.read_text())["values"]
    for workers in WORKERS:
        assert values[f"mixtures_per_s_{workers}"][0] > 0
        assert values[f"cores_{workers}"][0] > 0
    assert values["cores_counting"][0] > 0


def test_material_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="--bank wants"):
        main(["--bank", str(tmp_path), "--cache", str(tmp_path)])
