"""One process's stages, a thread each. ``python -m realtime.host`` is a child process of a run.

A child reads its plan and then the supervisor's commands from stdin, one JSON line each, and
writes reports to stdout. Modules that the command names are loaded while it waits for the plan.
The end of stdin means that the parent is gone, however it went: the
child then leaves at once and takes the sockets' folder with it.

A plan behind the word ``heir`` is for one that takes another's place: it listens only from ``go``
on.
"""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import TextIO

from realtime.allocator import keep_pages, settle_heap
from realtime.clock import Clock, SystemClock
from realtime.graph import MAIN, NICENESS, SOUND, STAGES
from realtime.parent import wake_when_orphaned
from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.priority import rank_process, rank_threads, run_in_real_time
from realtime.reports import EXIT_FAILED, EXIT_RAN, Command, Report
from realtime.run import Run
from realtime.runner import Runner
from realtime.transport import new_context

HEIR = "heir "  # before the process and its plan
LEAVE_S = 2.0  # how long stages get to close when the parent is gone


class Host:
    """The stages of one process.

    Stages that need the main thread are left to the owner, who iterates over ``main_lives``.
    ``report`` is called from any of the threads.
    """

    def __init__(
        self,
        plan: Plan,
        process: str,
        clock: Clock,
        report: Callable[[Report], None],
        *,
        is_heir: bool = False,
    ) -> None:
        if plan.pace == "fast":
            keep_pages()
        self.context = new_context()
        self._plan, self._process = plan, process
        self._run = Run()
        runners = [
            Runner(
                name,
                plan=plan,
                clock=clock,
                context=self.context,
                run=self._run,
                report=report,
                is_heir=is_heir,
            )
            for name in plan.in_process(process)
        ]
        self.main_lives: list[Generator[None, None, None]] = [
            runner.life() for runner in runners if STAGES[runner.name].thread == "main"
        ]
        self._threads = [
            Thread(target=_exhaust, args=(runner.life(),), name=runner.name, daemon=True)
            for runner in runners
            if STAGES[runner.name].thread == "own"
        ]

    def start(self) -> None:
        """Let the threads open their stages."""
        for thread in self._threads:
            thread.start()

    def obey(self, command: Command) -> None:
        """Pass a command on to all stages."""
        run = self._run
        if command.order in ("deaf", "lost"):
            run.deaf.add(command.stage)
        if command.order == "lost":
            run.lost.add(command.stage)
        if command.order == "raise":
            run.faults.add(command.stage)
        run.states.update(command.states)
        if command.order == "go":
            self._begin()
        events = {"go": run.go, "stop": run.stop, "abort": run.abort, "release": run.release}
        if command.order in events:
            events[command.order].set()

    def _begin(self) -> None:
        """Live, let nothing hold the threads up that is known before.

        To walk through all that was loaded, looking for garbage, takes 20 to 40 ms, in which no
        thread of Python goes on; what is there now stays to the end.
        """
        if self._plan.pace == "fast":
            return
        gc.freeze()
        if self._process == MAIN:
            self._rank()
        elif self._process == SOUND:
            run_in_real_time()

    def _rank(self) -> None:
        """Of the process that has other stages as well, each thread is ranked by itself."""
        if sys.platform != "linux":
            return
        for thread in self._threads:
            if thread.native_id is not None:
                rank_threads([thread.native_id], NICENESS.get(thread.name, 0))

    def still(self, consumer: str) -> bool:
        """Whether it makes sense to wait for ``consumer``; see :class:`realtime.runner.Run`."""
        return self._run.still(consumer)

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads, all together for ``timeout_s``; say whether all have left."""
        clock = SystemClock()
        until_ns = clock.now_ns() + round(timeout_s * 1e9)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max((until_ns - clock.now_ns()) / 1e9, 0.0))
        return not any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """Give the context back; all its sockets must be closed."""
        self.context.term()


def _exhaust(life: Generator[None, None, None]) -> None:
    for _ in life:
        pass


class _Reporter:
    """Reports as lines on a pipe; a parent that is gone is noticed elsewhere."""

    def __init__(self, pipe: TextIO) -> None:
        self._pipe = pipe
        self._lock = Lock()

    def __call__(self, report: Report) -> None:
        with self._lock:
            try:
                self._pipe.write(report.to_json() + "\n")
                self._pipe.flush()
            except (BrokenPipeError, ValueError):
                pass


def _private_stdout() -> TextIO:
    """The pipe to the parent; whatever libraries print to stdout goes to stderr from here on."""
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return pipe


def main(loads: Sequence[str]) -> int:
    """Run the stages of one child process until stdin ends; first load these modules."""
    settle_heap()
    wake_when_orphaned()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what Ctrl-C means
    pipe = _private_stdout()
    for module in loads:
        with suppress(ImportError):  # who needs it will tell
            importlib.import_module(module)
    first = sys.stdin.readline()
    if not first:
        return EXIT_FAILED
    process, _, text = first.removeprefix(HEIR).partition(" ")
    try:
        plan = Plan.from_json(text)
    except PlainError as error:
        print(f"error: the plan on stdin is none ({error})", file=sys.stderr)
        return EXIT_FAILED
    is_heir = first.startswith(HEIR)
    niceness = NICENESS.get(process, 0) if plan.pace == "realtime" else 0
    ranks_at_once = is_heir and niceness > 0  # the run is live: nobody waits for it, all go on
    if ranks_at_once:
        rank_process(niceness)
    host = Host(plan, process, SystemClock(), _Reporter(pipe), is_heir=is_heir)
    host.start()
    is_dismissed = False
    for line in sys.stdin:
        with suppress(PlainError):  # half a line, of a parent that was killed as it wrote
            command = Command.from_json(line)
            # Not before: all wait for the last to open, or sound goes on while this one does.
            if command.order == "go" and not ranks_at_once:
                rank_process(niceness)
            is_dismissed |= command.order in ("release", "abort")
            host.obey(command)
    if not is_dismissed:
        host.obey(Command(order="abort"))
        if plan.folder is not None:
            shutil.rmtree(plan.folder, ignore_errors=True)
    if not host.join(LEAVE_S):
        os._exit(EXIT_FAILED)  # a stage is stuck in a library; nobody is left to wait for it
    host.close()
    pipe.close()
    return EXIT_RAN if is_dismissed else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
