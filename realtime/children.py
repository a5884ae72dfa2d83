"""A child process of a run, as the supervisor sees it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from realtime.host import HEIR
from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.process_state import is_stopped
from realtime.reports import Command, Report

PATIENCE_S = 3.0  # between asking, insisting and killing
LAST_WORDS_S = 1.0  # to read what it said last; a program that it started may hold its pipe open


class Child:
    """Runs ``python -m realtime.host`` and passes its reports on, from a thread of its own.

    The child is out of reach of the terminal's Ctrl-C; it leaves when its stdin ends.
    """

    def __init__(
        self,
        process: str,
        plan: Plan,
        report: Callable[[Child, Report], None],
        *,
        is_heir: bool = False,
    ) -> None:
        """``is_heir``: it takes the place of another, and waits for that when it is open."""
        self.process = process
        self.stages = plan.in_process(process)
        self.unready = set(self.stages)
        self._report = report
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "realtime.host", *([HEIR] if is_heir else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=_environment(),
            start_new_session=True,
        )
        self._reader = Thread(target=self._read, name=f"{process} reports", daemon=True)
        self._reader.start()
        self._write(f"{process} {plan.to_json()}\n")

    def obey(self, command: Command) -> None:
        """Pass a command on; a child that is gone does not mind."""
        self._write(command.to_json() + "\n")

    def _write(self, line: str) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):  # `fate` sees it
            self._popen.stdin.write(line)
            self._popen.stdin.flush()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            with suppress(PlainError):  # half a line, of a child that was killed as it wrote
                self._report(self, Report.from_json(line))

    def fate(self) -> str | None:
        """How the child ended, in words; None while it lives. Its last reports are in by then."""
        code = self._popen.poll()
        if code is None:
            return None
        self._reader.join(LAST_WORDS_S)
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    @property
    def is_stopped(self) -> bool:
        """Whether the system has stopped it."""
        return is_stopped(self._popen.pid)

    def send_signal(self, number: int) -> None:
        """A signal, if it is still there."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def end(self) -> None:
        """Be rid of it at once, stopped or stuck as it may be."""
        assert self._popen.stdin is not None
        self._popen.kill()
        self._popen.wait()
        with suppress(BrokenPipeError):
            self._popen.stdin.close()
        self._close_stdout()

    def leave(self) -> None:
        """Close its stdin and see it out, by force if need be."""
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()
        if hasattr(signal, "SIGCONT"):
            self.send_signal(signal.SIGCONT)  # one that is stopped would not even see that
        for insist in (self._popen.terminate, self._popen.kill):
            try:
                self._popen.wait(PATIENCE_S)
                break
            except subprocess.TimeoutExpired:
                insist()
        self._popen.wait()
        self._close_stdout()

    def _close_stdout(self) -> None:
        assert self._popen.stdout is not None
        self._reader.join(LAST_WORDS_S)
        if not self._reader.is_alive():
            self._popen.stdout.close()


def _environment() -> dict[str, str]:
    """The parent's, with this project's packages first."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
