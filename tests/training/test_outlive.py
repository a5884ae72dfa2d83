"""Processes that die of what they work on take nothing with them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from training.outlive import Died, outlived


def square(number: int) -> int:
    if number < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def fail(number: int) -> int:
    raise OSError(f"{number} does not fit")


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_kills_is_found_and_the_rest_has_results(jobs: int) -> None:
    tasks = [0, 1, -2, 3, 4, 5, -6, -7, 8, 9]
    found = list(outlived(square, tasks, jobs))
    assert sorted(task for task, _ in found) == sorted(tasks)  # each once
    assert {task: result for task, result in found if task >= 0} == {
        task: task * task for task in tasks if task >= 0
    }
    assert all(isinstance(result, Died) for task, result in found if task < 0)


class Once:
    """Kills the first process that works on it, as the kernel does where memory is short."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __call__(self, number: int) -> int:
        if number == 2 and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number


def test_what_does_not_kill_alone_has_a_result(tmp_path: Path) -> None:
    found = dict(outlived(Once(tmp_path / "mark"), range(5), 2))
    assert found == {number: number for number in range(5)}


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(OSError, match="does not fit"):
        list(outlived(fail, range(3), 2))
