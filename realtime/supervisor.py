"""Starts the processes of a run, watches them, and sees everybody out.

The life of a run: *opening* (every stage says that it is ready, then all get the go), *running*,
*stopping* (sources end, the rest flushes, for at most ``STOP_S``), *leaving*. The command's main
thread lives here; a window is stepped from here too, as some systems want it.

While a live run is running, a process that is lost is replaced (:mod:`realtime.crew`): who listens
to it waits, and the sound goes on without (``docs/decisions/0026``).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue

from realtime.chaos import Chaos, Fault
from realtime.children import Child
from realtime.clock import NS_PER_S, Clock
from realtime.crash import crash_folder, where, write_crash
from realtime.crew import Crew, Loss
from realtime.graph import MAIN, STAGES
from realtime.host import Host
from realtime.interrupts import Interrupts
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
OPENING_MS = 10  # while all wait for the last to be ready
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
        chaos: Chaos | None = None,
        spared: Collection[str] = (),
    ) -> None:
        """``early``: children by their processes that run already and have not begun.

        ``spared``: in a live run, processes that another waits for, to take their place.
        """
        self._plan = plan
        self._clock = clock
        self._screen = screen
        self._scheme = scheme
        self._early = early or {}
        self._chaos = chaos
        self._faults: list[Fault] = []  # that are due
        self._struck: set[str] = set()  # stages whose fault has not been noticed yet
        self._spared = spared
        self._reports: SimpleQueue[tuple[Child | None, Report]] = SimpleQueue()
        self._crew = Crew(plan, self._put)
        self._opening = {name for name in plan.stages if name != SUPERVISOR}
        self._running = set(self._opening)
        self._interrupts = Interrupts()
        self._replaced = 0  # stages, within their processes
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
            with self._interrupts.counted():
                self._run(plan)
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
        if self._exit_code == EXIT_RAN and self._interrupts.count:
            return EXIT_INTERRUPTED
        return self._exit_code

    def _run(self, plan: Plan) -> None:
        self._host = Host(plan, MAIN, self._clock, lambda report: self._reports.put((None, report)))
        self._crew = Crew(plan, self._put)
        listens = plan.listens(SUPERVISOR)
        try:
            with Inbox(self._host.context, SUPERVISOR, listens) as self._inbox:
                self._crew.start(self._early)
                self._host.start()
                self._open()
                with Outbox(self._host.context, plan.ways(SUPERVISOR), self._host.still) as outbox:
                    self._watch(outbox)
        finally:
            self._leave()

    def _put(self, child: Child, report: Report) -> None:
        self._reports.put((child, report))

    def table(self) -> str:
        """One line per stage: what a profile prints at the end."""
        return self.board.table(self._plan.stages)

    # -- phases ---------------------------------------------------------------------------------

    def _open(self) -> None:
        """Wait until all are ready. After a failure others get a moment to tell theirs, too."""
        give_up_ns: int | None = None
        while self._opening and not self._interrupts.count:
            self._turn()
            now_ns = self._clock.now_ns()
            if self._exit_code != EXIT_RAN:
                give_up_ns = give_up_ns or now_ns + round(MORE_FAILURES_S * NS_PER_S)
                if now_ns > give_up_ns:
                    break
        if self._exit_code != EXIT_RAN or self._interrupts.count:
            self._running.clear()
            return
        self._started_ns = self._clock.now_ns()
        self._tell(Command(order="go"))
        self._crew.went(self._started_ns, spared=self._spared if self._is_live else ())

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
        self._crew.leave()
        if self._host.join(LEAVE_S):
            self._host.close()
        for text in self._failures:
            self._screen.error(text)

    # -- one turn of the loop ---------------------------------------------------------------------

    def _turn(self, outbox: Outbox | None = None) -> None:
        for life in self._host.main_lives:
            next(life, None)
        idle_ms = OPENING_MS if self._started_ns is None else IDLE_MS
        arrived = self._inbox.receive(0 if self._host.main_lives else idle_ms)
        for message in (*arrived.get("control", ()), *arrived.get("scene", ())):
            if isinstance(message, Scene):
                self.summary.follow(message)
            elif isinstance(message, Control) and message.kind == "quit":
                self._stop()
        while True:
            try:
                child, report = self._reports.get_nowait()
            except Empty:
                break
            if child is None or self._crew.hear(child, report, self._clock.now_ns()):
                self._hear(report, outbox)
        self._look_after_children(outbox)

    def _hear(self, report: Report, outbox: Outbox | None) -> None:
        if report.kind == "ready":
            self._opening.discard(report.stage)
        elif report.kind == "numbers":
            self.board.update(report.stage, report.values)
            self._follow(report)
            self._publish(report.stage, report.values, outbox)
        elif report.kind == "finished":
            self._gone(report.stage, "deaf")
        elif report.kind == "restarted":
            self._replaced += 1
            self._struck.discard(report.stage)
            self._screen.say(f"{report.stage} failed ({report.text}); it begins again")
            self._tell_restarts(outbox)
        elif report.kind == "failed":
            self._fail(report)
            self._gone(report.stage, "deaf")

    def _follow(self, report: Report) -> None:
        """Trace the steps; a full disk ends the trace, not the run."""
        if self._trace is None:
            return
        try:
            process = self._plan.processes[report.stage]
            self._trace.add(process, report.stage, report.spans)
            self._trace.add_engines(process, report.stage, report.engines)
            self._trace.follow(report.stage, report.marks)
            if report.stage == "speaker":  # it knows the whole delay
                self._trace.budget.add(self.board.values)
        except OSError as error:
            self._trace = None
            self._screen.say(f"--profile: the trace ends here ({error.strerror}); make room for it")

    def _publish(self, stage: str, values: Mapping[str, float], outbox: Outbox | None) -> None:
        if outbox is None:
            return
        stats = Stats(
            stream=self._plan.stream, sequence=self._stats_count, stage=stage, values=values
        )
        self._stats_count += 1
        outbox.send("stats", stats)

    def _tell_restarts(self, outbox: Outbox | None) -> None:
        values = {"restarts": float(self._crew.restarts + self._replaced)}
        self.board.update(SUPERVISOR, values)
        self._publish(SUPERVISOR, values, outbox)

    @property
    def _is_live(self) -> bool:
        """Whether who is lost is replaced."""
        is_running = self._started_ns is not None and self._stop_by_ns is None
        return is_running and self._plan.pace == "realtime"

    def _look_after_children(self, outbox: Outbox | None) -> None:
        now_ns = self._clock.now_ns()
        for loss in self._crew.mind(now_ns, self._running, is_live=self._is_live):
            if self._is_live and all(STAGES[stage].is_replaced for stage in loss.stages):
                self._screen.say(f"{loss.process} {loss.fate}; it is replaced; {self._noted(loss)}")
                self._crew.replace(loss.process, now_ns)
                self._struck.difference_update(loss.stages)
                self._tell_restarts(outbox)
                continue
            for stage in loss.stages:
                text = f"{stage} died ({loss.fate}); run with --doctor to check the parts"
                self._fail(Report(kind="failed", stage=stage, text=text, exit_code=EXIT_FAILED))
                self._gone(stage, "lost")

    def _noted(self, loss: Loss) -> str:
        """Where it is written what was lost; one that failed by itself has told."""
        if loss.has_told:
            return "it has told why"
        paths = [
            write_crash(
                crash_folder(os.environ),
                stage,
                loss.fate,
                seen=self._crew.seen(stage),
                numbers=self.board.values.get(stage, {}),
            )
            for stage in loss.stages
        ]
        return where(paths[0] if paths else None)

    def _brings_about(self, fault: Fault) -> bool:
        """Let a stage fail; False where it cannot, as it is being replaced already."""
        if fault.stage in self._struck or fault.stage in self._crew.absent:
            return False
        self._struck.add(fault.stage)
        self._screen.say(f"chaos: {fault.kind} {fault.stage}")
        child = self._crew.child_of(fault.stage)
        if fault.kind == "raise" or child is None:
            self._tell(Command(order="raise", stage=fault.stage))
        else:
            child.send_signal(signal.SIGKILL if fault.kind == "kill" else signal.SIGSTOP)
        return True

    def _mind_the_time(self) -> None:
        assert self._started_ns is not None
        now_ns = self._clock.now_ns()
        running_s = (now_ns - self._started_ns) / NS_PER_S
        self._screen.status(running_s, self.board, self.summary)
        if self._chaos is not None and self._is_live:
            self._faults += self._chaos.due(running_s)
            self._faults = [fault for fault in self._faults if not self._brings_about(fault)]
        limit_s = self._plan.duration_s
        if self._interrupts.count or (
            limit_s is not None
            and self._plan.pace == "realtime"
            and running_s > limit_s + OVERTIME_S
        ):
            self._stop()
        is_late = self._stop_by_ns is not None and now_ns > self._stop_by_ns
        if is_late or self._interrupts.count > 1:
            self._screen.say(f"not waiting for {', '.join(sorted(self._running))} any longer")
            if not self._interrupts.count:
                self._exit_code = self._exit_code or EXIT_FAILED
            self._tell(Command(order="abort"))
            self._running.clear()

    # -- what the phases share --------------------------------------------------------------------

    def _stop(self) -> None:
        if self._stop_by_ns is None:
            self._stop_by_ns = self._clock.now_ns() + round(STOP_S * NS_PER_S)
            self._tell(Command(order="stop"))
            for stage in self._crew.absent:  # nobody comes any more who could say its end
                if stage in self._running:
                    self._gone(stage, "lost")

    def _fail(self, report: Report) -> None:
        if self._started_ns is None:
            # PortAudio keeps stderr to itself while it opens; all is told when all have left.
            if report.text not in self._failures:  # several stages may stumble over one file
                self._failures.append(report.text)
        else:
            self._screen.error(report.text)
        is_live = self._started_ns is not None and self._plan.pace == "realtime"
        # A moment before the end another would have taken its place: the run has not failed.
        is_over = is_live and self._stop_by_ns is not None and STAGES[report.stage].is_replaced
        if not is_over:
            self._exit_code = self._exit_code or report.exit_code
        if STAGES[report.stage].is_vital or not is_live:
            self._stop()

    def _gone(self, stage: str, order: str) -> None:
        self._opening.discard(stage)
        self._running.discard(stage)
        self._tell(Command(order="lost" if order == "lost" else "deaf", stage=stage))

    def _tell(self, command: Command) -> None:
        self._host.obey(command)
        self._crew.tell(command)
