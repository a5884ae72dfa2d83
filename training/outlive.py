"""Processes that share work and may die of it: what killed one is found, and the rest goes on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Died:
    """In place of a result: the process that worked on it died, the second time with it alone."""


def outlived(
    work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result | Died]]:
    """Each task with its result, as they are finished.

    A pool says that a process died, not of which task. So it is given no more tasks than it has
    processes, and those at work as one died are suspects: each is tried again, alone in a process
    of its own.

    Args:
        work: called in another process.
        tasks: each can be sent there.
        jobs: processes at a time.

    Raises:
        Exception: what ``work`` raises; what is under way is finished before, the rest is not.
    """
    left = list(reversed(tasks))  # taken from its end
    while left:
        for suspect in (yield from _until_one_dies(work, left, jobs)):
            for killer in (yield from _until_one_dies(work, [suspect], 1)):
                yield killer, Died()


def _until_one_dies(
    work: Callable[[Task], Result], left: list[Task], jobs: int
) -> Generator[tuple[Task, Result], None, Sequence[Task]]:
    """Take from ``left`` until nothing is, or a process dies; returns what was at work then."""
    running: dict[Future[Result], Task] = {}
    suspects: list[Task] = []
    broken = False
    # A worker that is interrupted ends without a word: its parent has it.
    with ProcessPoolExecutor(
        jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL)
    ) as pool:
        while running or (left and not broken):
            while left and not broken and len(running) < jobs:
                try:
                    running[pool.submit(work, left[-1])] = left[-1]
                except BrokenProcessPool:  # one died that had nothing to do
                    broken = True
                else:
                    left.pop()
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    broken = True
                    suspects.append(task)
                else:
                    yield task, result
    return suspects
