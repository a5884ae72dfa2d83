"""A child process of a run, as the supervisor sees it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

from realtime.host import HEIR
from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.priority import SPARE_NICENESS, rank_session
from realtime.process_state import is_stopped
from realtime.processes import Process, spawned
from realtime.reports import Command, Report

PATIENCE_S = 3.0  # between asking, insisting and killing
LAST_WORDS_S = 1.0  # to read what it said last; a program that it started may hold its pipe open


class Child:
    """Runs ``realtime.host``; once it has begun, passes its reports on.

    The child is out of reach of the terminal's Ctrl-C; it leaves when its stdin ends.
    """

    def __init__(self, process: str, running: Process | None = None) -> None:
        """``running``: that waits for its plan already; else a program is started."""
        self.process = process
        self.stages: tuple[str, ...] = ()
        self.unready: set[str] = set()
        self._reader: Thread | None = None
        self._running = running or spawned("realtime.host")

    def begin(self, plan: Plan, report: Callable[[Report], None], *, is_heir: bool = False) -> None:
        """Let it open its stages of a run; ``report`` is called from a thread.

        ``is_heir``: it takes the place of another, and waits for that when it is open.
        """
        self.stages = plan.in_process(self.process)
        self.unready = set(self.stages)
        self._reader = Thread(
            target=self._read, args=(report,), name=f"{self.process} reports", daemon=True
        )
        self._reader.start()
        self._write(f"{HEIR if is_heir else ''}{self.process} {plan.to_json()}\n")

    def give_way(self) -> None:
        """Let all others go before it, where that can be taken back by anybody: at the go."""
        rank_session(self._running.pid, SPARE_NICENESS)

    def dismiss(self) -> None:
        """End it where it was never let begin; else that is for :meth:`leave`."""
        if self._reader is None:
            self.end()

    def obey(self, command: Command) -> None:
        """Pass a command on; a child that is gone does not mind."""
        self._write(command.to_json() + "\n")

    def _write(self, line: str) -> None:
        assert self._running.stdin is not None
        with suppress(BrokenPipeError):  # `fate` sees it
            self._running.stdin.write(line)
            self._running.stdin.flush()

    def _read(self, report: Callable[[Report], None]) -> None:
        assert self._running.stdout is not None
        for line in self._running.stdout:
            with suppress(PlainError):  # half a line, of a child that was killed as it wrote
                report(Report.from_json(line))

    def fate(self) -> str | None:
        """How the child ended, in words; None while it lives. Its last reports are in by then."""
        code = self._running.poll()
        if code is None:
            return None
        self._has_told_all()
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    @property
    def is_stopped(self) -> bool:
        """Whether the system has stopped it."""
        return is_stopped(self._running.pid)

    def send_signal(self, number: int) -> None:
        """A signal, if it is still there."""
        with suppress(ProcessLookupError):
            self._running.send_signal(number)

    def end(self) -> None:
        """Be rid of it at once, stopped or stuck as it may be."""
        assert self._running.stdin is not None
        self._running.kill()
        self._running.wait()
        with suppress(BrokenPipeError):
            self._running.stdin.close()
        self._close_stdout()

    def leave(self) -> None:
        """Close its stdin and see it out, by force if need be."""
        assert self._running.stdin is not None
        with suppress(BrokenPipeError):
            self._running.stdin.close()
        if hasattr(signal, "SIGCONT"):
            self.send_signal(signal.SIGCONT)  # one that is stopped would not even see that
        for insist in (self._running.terminate, self._running.kill):
            try:
                self._running.wait(PATIENCE_S)
                break
            except subprocess.TimeoutExpired:
                insist()
        self._running.wait()
        self._close_stdout()

    def _close_stdout(self) -> None:
        assert self._running.stdout is not None
        if self._has_told_all():
            self._running.stdout.close()

    def _has_told_all(self) -> bool:
        """Wait for what it has said last, for a moment; whether that is all in."""
        if self._reader is None:
            return True
        self._reader.join(LAST_WORDS_S)
        return not self._reader.is_alive()
