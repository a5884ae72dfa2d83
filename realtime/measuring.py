"""Which engine is the fastest here, measured beside a run that has begun on a guess.

``python -m realtime.measuring MODEL THREADS PRECISION NEWEST`` measures as ``engines.auto.choose``
does, remembers it, and prints the name: in a process of its own, which gives way to all others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from realtime.attempt import Attempt
from realtime.clock import NS_PER_S
from realtime.options import ModelOptions
from realtime.parent import end_when_orphaned
from realtime.processes import child_environment

AFTER_S = 8.0  # a start is over by then
TIMEOUT_S = 120.0  # it gives way to all others, so it may take long
NICENESS = 19


class Measuring:
    """Begins some time after the first question, and has one answer."""

    def __init__(self, model: ModelOptions, newest: int, *, after_s: float = AFTER_S) -> None:
        """``newest``: columns that the sound network gives in each step."""
        threads, precision = model.threads_per_network or 1, model.guessed_for or "auto"
        self._arguments = (model.model, str(threads), precision, str(newest))
        self._after_ns = round(after_s * NS_PER_S)
        self._begin_ns: int | None = None
        self._process: subprocess.Popen[str] | None = None
        self._attempt: Attempt[str] | None = None
        self._is_over = False

    def due(self, now_ns: int) -> str | None:
        """The engine's name, backend/precision, once; None before, after, and where none is found.

        Never waits.
        """
        if self._is_over:
            return None
        if self._begin_ns is None:
            self._begin_ns = now_ns + self._after_ns
        if self._attempt is None:
            if now_ns >= self._begin_ns:
                self._attempt = Attempt(self._measure, "measure engines")
            return None
        if not self._attempt.is_over:
            return None
        self._is_over = True
        return self._attempt.outcome() or None

    def close(self) -> None:
        """Measure no more."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()

    def _measure(self) -> str:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "realtime.measuring", *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=child_environment(),
        )
        if self._is_over:  # closed meanwhile
            self._process.kill()
        try:
            said, _ = self._process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return ""
        return said.strip() if self._process.returncode == 0 else ""


def main(arguments: list[str]) -> int:
    """Measure, remember, print; returns 0, 1 where no engine runs the model."""
    end_when_orphaned()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    from engines import auto
    from engines.errors import EngineError

    model, threads, precision, newest = arguments
    try:
        choice = auto.choose(Path(model), int(threads), precision, newest=int(newest))
    except EngineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{choice.backend}/{choice.precision}")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal; the parent ends it
    raise SystemExit(main(sys.argv[1:]))
