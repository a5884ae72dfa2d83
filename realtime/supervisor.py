"""Starts the processes of a run, watches them, and sees everybody out.

The life of a run: *opening* (every stage says that it is ready, then all get the go), *running*,
*stopping* (sources end, the rest flushes, for at most ``STOP_S``), *leaving*. The command's main
thread lives here; a window is stepped from here too, as some systems want it.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

from realtime.children import Child
from realtime.clock import NS_PER_S, Clock
from realtime.graph import MAIN, STAGES
from realtime.host import Host
from realtime.messages import Control, Scene, Stats
from realtime.plan import SUPERVISOR, Plan
from realtime.reports import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_RAN,
    Command,
    Report,
)
from realtime.screen import Screen, end_lines
from realtime.summary import Summary
from realtime.telemetry import Board
from realtime.trace import Trace
from realtime.transport import Inbox, Outbox, Scheme

STOP_S = 10.0  # for flushing, once the sources were asked to end
OVERTIME_S = 2.0  # for sources to keep to the duration by themselves
MORE_FAILURES_S = 1.0
LEAVE_S = 3.0
IDLE_MS = 50
_LONGEST_FOLDER_BYTES = 60  # 40 more for the run's own folder and the longest socket's name
_SHORT_FOLDER = "/tmp"


def roomy(folder: str) -> str:
    """``folder``, or a shorter one: the paths of sockets in it have a limit of about 100 bytes."""
    is_short = len(os.fsencode(folder)) <= _LONGEST_FOLDER_BYTES
    return folder if is_short or not Path(_SHORT_FOLDER).is_dir() else _SHORT_FOLDER


class Supervisor:
    """One run, from :meth:`run`'s call to its exit code."""

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        screen: Screen,
        *,
        scheme: Scheme | None = None,
        trace: Trace | None = None,
        early: Mapping[str, Child] | None = None,
    ) -> None:
        """``early``: children by their processes that run already and have not begun."""
        self._plan = plan
        self._clock = clock
        self._screen = screen
        self._scheme = scheme
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._early = early or {}
        self._children: list[Child] = []
        self._opening = {name for name in plan.stages if name != SUPERVISOR}
        self._running = set(self._opening)
        self._interrupts = 0
        self._failures: list[str] = []
        self._exit_code = EXIT_RAN
        self._started_ns: int | None = None
        self._stop_by_ns: int | None = None
        self._stats_count = 0
        self.board = Board()
        self.summary = Summary()
        self._trace = trace

    def run(self) -> int:
        """Run to the end; nothing is left behind: no process, no thread, no socket's file.

        Returns:
            The command's exit code.
        """
        folder: Path | None = None
        plan = self._plan
        if plan.children:
            folder = Path(tempfile.mkdtemp(prefix="pixelplayer-", dir=roomy(tempfile.gettempdir())))
            plan = plan.with_addresses(folder, self._scheme)
        try:
            with self._signals():
                self._run(plan)
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        if self._exit_code == EXIT_RAN and self._interrupts:
            return EXIT_INTERRUPTED
        return self._exit_code

    def _run(self, plan: Plan) -> None:
        self._host = Host(plan, MAIN, self._clock, self._reports.put)
        listens = plan.listens(SUPERVISOR)
        try:
            with Inbox(self._host.context, SUPERVISOR, listens) as self._inbox:
                for process in plan.children:
                    self._children.append(self._early.get(process) or Child(process))
                    self._children[-1].begin(plan, self._reports.put)
                self._host.start()
                self._open()
                with Outbox(self._host.context, plan.ways(SUPERVISOR), self._host.still) as outbox:
                    self._watch(outbox)
        finally:
            self._leave()

    def table(self) -> str:
        """One line per stage: what a profile prints at the end."""
        return self.board.table(self._plan.stages)

    # -- phases ---------------------------------------------------------------------------------

    def _open(self) -> None:
        """Wait until all are ready. After a failure others get a moment to tell theirs, too."""
        give_up_ns: int | None = None
        while self._opening and not self._interrupts:
            self._turn()
            now_ns = self._clock.now_ns()
            if self._exit_code != EXIT_RAN:
                give_up_ns = give_up_ns or now_ns + round(MORE_FAILURES_S * NS_PER_S)
                if now_ns > give_up_ns:
                    break
        if self._exit_code != EXIT_RAN or self._interrupts:
            self._running.clear()
            return
        self._started_ns = self._clock.now_ns()
        self._tell(Command(order="go"))

    def _watch(self, outbox: Outbox) -> None:
        while self._running:
            self._turn(outbox)
            self._mind_the_time()
        if self._started_ns is not None:
            duration_s = (self._clock.now_ns() - self._started_ns) / NS_PER_S
            for line in end_lines(duration_s, self.board, self.summary):
                self._screen.say(line)

    def _leave(self) -> None:
        is_over = self._started_ns is not None and not self._running
        self._tell(Command(order="release" if is_over else "abort"))
        for life in self._host.main_lives:
            life.close()
        for child in self._children:
            child.leave()
        if self._host.join(LEAVE_S):
            self._host.close()
        for text in self._failures:
            self._screen.error(text)

    # -- one turn of the loop ---------------------------------------------------------------------

    def _turn(self, outbox: Outbox | None = None) -> None:
        for life in self._host.main_lives:
            next(life, None)
        arrived = self._inbox.receive(0 if self._host.main_lives else IDLE_MS)
        for message in (*arrived.get("control", ()), *arrived.get("scene", ())):
            if isinstance(message, Scene):
                self.summary.follow(message)
            elif isinstance(message, Control) and message.kind == "quit":
                self._stop()
        while True:
            try:
                self._hear(self._reports.get_nowait(), outbox)
            except Empty:
                break
        self._look_after_children()

    def _hear(self, report: Report, outbox: Outbox | None) -> None:
        if report.kind == "ready":
            self._opening.discard(report.stage)
        elif report.kind == "numbers":
            self.board.update(report.stage, report.values)
            self._follow(report)
            if outbox is not None:
                self._publish(report, outbox)
        elif report.kind == "finished":
            self._gone(report.stage, "deaf")
        else:
            self._fail(report)
            self._gone(report.stage, "deaf")

    def _follow(self, report: Report) -> None:
        """Trace the steps; a full disk ends the trace, not the run."""
        if self._trace is None:
            return
        try:
            self._trace.add(self._plan.processes[report.stage], report.stage, report.spans)
            self._trace.follow(report.stage, report.marks)
        except OSError as error:
            self._trace = None
            self._screen.say(f"--profile: the trace ends here ({error.strerror}); make room for it")

    def _publish(self, report: Report, outbox: Outbox) -> None:
        stats = Stats(
            stream=self._plan.stream,
            sequence=self._stats_count,
            stage=report.stage,
            values=report.values,
        )
        self._stats_count += 1
        outbox.send("stats", stats)

    def _look_after_children(self) -> None:
        for child in self._children:
            unfinished = self._running.intersection(child.stages)
            fate = child.fate() if unfinished else None
            for stage in sorted(unfinished) if fate else ():
                text = f"{stage} died ({fate}); run with --doctor to check the parts"
                self._fail(Report(kind="failed", stage=stage, text=text, exit_code=EXIT_FAILED))
                self._gone(stage, "lost")

    def _mind_the_time(self) -> None:
        assert self._started_ns is not None
        now_ns = self._clock.now_ns()
        running_s = (now_ns - self._started_ns) / NS_PER_S
        self._screen.status(running_s, self.board, self.summary)
        limit_s = self._plan.duration_s
        if self._interrupts or (
            limit_s is not None
            and self._plan.pace == "realtime"
            and running_s > limit_s + OVERTIME_S
        ):
            self._stop()
        is_late = self._stop_by_ns is not None and now_ns > self._stop_by_ns
        if is_late or self._interrupts > 1:
            self._screen.say(f"not waiting for {', '.join(sorted(self._running))} any longer")
            if not self._interrupts:
                self._exit_code = self._exit_code or EXIT_FAILED
            self._tell(Command(order="abort"))
            self._running.clear()

    # -- what the phases share --------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stop_by_ns is None:
            self._stop_by_ns = self._clock.now_ns() + round(STOP_S * NS_PER_S)
            self._tell(Command(order="stop"))

    def _fail(self, report: Report) -> None:
        if self._started_ns is None:
            # PortAudio keeps stderr to itself while it opens; all is told when all have left.
            if report.text not in self._failures:  # several stages may stumble over one file
                self._failures.append(report.text)
        else:
            self._screen.error(report.text)
        self._exit_code = self._exit_code or report.exit_code
        is_live = self._started_ns is not None and self._plan.pace == "realtime"
        if STAGES[report.stage].is_vital or not is_live:
            self._stop()

    def _gone(self, stage: str, order: str) -> None:
        self._opening.discard(stage)
        self._running.discard(stage)
        self._tell(Command(order="lost" if order == "lost" else "deaf", stage=stage))

    def _tell(self, command: Command) -> None:
        self._host.obey(command)
        for child in self._children:
            child.obey(command)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Count what asks for the end; the loop acts on it."""
        names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        former = {name: signal.signal(getattr(signal, name), self._interrupted) for name in names}
        try:
            yield
        finally:
            for name, handler in former.items():
                signal.signal(getattr(signal, name), handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1
