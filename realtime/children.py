"""A child process of a run, as the supervisor sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.reports import Command, Report

PATIENCE_S = 3.0  # between asking, insisting and killing


class Child:
    """Runs ``python -m realtime.host``; once it has begun, passes its reports on.

    The child is out of reach of the terminal's Ctrl-C; it leaves when its stdin ends.
    """

    def __init__(self, process: str, loads: Sequence[str] = ()) -> None:
        """``loads``: modules that it loads while it waits for :meth:`begin`."""
        self.process = process
        self.stages: tuple[str, ...] = ()
        self._reader: Thread | None = None
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "realtime.host", *loads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=_environment(),
            start_new_session=True,
        )

    def begin(self, plan: Plan, report: Callable[[Report], None]) -> None:
        """Let it open its stages of a run; ``report`` is called from a thread."""
        self.stages = plan.in_process(self.process)
        self._reader = Thread(
            target=self._read, args=(report,), name=f"{self.process} reports", daemon=True
        )
        self._reader.start()
        self._write(f"{self.process} {plan.to_json()}\n")

    def dismiss(self) -> None:
        """End it where it was never let begin; else that is for :meth:`leave`."""
        if self._reader is None:
            self._popen.kill()
            self._popen.communicate()

    def obey(self, command: Command) -> None:
        """Pass a command on; a child that is gone does not mind."""
        self._write(command.to_json() + "\n")

    def _write(self, line: str) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):  # `fate` sees it
            self._popen.stdin.write(line)
            self._popen.stdin.flush()

    def _read(self, report: Callable[[Report], None]) -> None:
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            with suppress(PlainError):  # half a line, of a child that was killed as it wrote
                report(Report.from_json(line))

    def fate(self) -> str | None:
        """How the child ended, in words; None while it lives or its reports are still coming."""
        code = self._popen.poll()
        if code is None or (self._reader is not None and self._reader.is_alive()):
            return None
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def leave(self) -> None:
        """Close its stdin and see it out, by force if need be."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()
        for insist in (self._popen.terminate, self._popen.kill):
            try:
                self._popen.wait(PATIENCE_S)
                break
            except subprocess.TimeoutExpired:
                insist()
        self._popen.wait()
        if self._reader is not None:
            self._reader.join()
        self._popen.stdout.close()


def _environment() -> dict[str, str]:
    """The parent's, with this project's packages first."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
