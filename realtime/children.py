"""A child process of a run, as the supervisor sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from realtime.plain import PlainError
from realtime.plan import Plan
from realtime.reports import Command, Report

PATIENCE_S = 3.0  # between asking, insisting and killing


class Child:
    """Runs ``python -m realtime.host`` and passes its reports on, from a thread of its own.

    The child is out of reach of the terminal's Ctrl-C; it leaves when its stdin ends.
    """

    def __init__(self, process: str, plan: Plan, report: Callable[[Report], None]) -> None:
        self.process = process
        self.stages = plan.in_process(process)
        self._report = report
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "realtime.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=child_environment(),
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
                self._report(Report.from_json(line))

    def fate(self) -> str | None:
        """How the child ended, in words; None while it lives or its reports are still coming."""
        code = self._popen.poll()
        if code is None or self._reader.is_alive():
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
        self._reader.join()
        self._popen.stdout.close()


def child_environment() -> dict[str, str]:
    """For a process of this project: the parent's, with this project's packages first."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}
