"""The engines that there are on this machine for a model, looked up in a process of its own.

To find out, packages are loaded that a live run never loads.
"""

from __future__ import annotations

import os
import subprocess
import sys

from realtime.attempt import Attempt
from realtime.processes import child_environment

TIMEOUT_S = 60.0
_NICENESS = 10


class EngineNames:
    """Looks once, at the first question."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._attempt: Attempt[list[str]] | None = None

    def now(self) -> list[str]:
        """All names, backend/precision, once they are known; none before. Never waits."""
        if self._attempt is None:
            self._attempt = Attempt(self._look, "look for engines")
        return self._attempt.outcome() if self._attempt.is_over else []

    def _look(self) -> list[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "engines", "names", "--model", self._model],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=child_environment(),
        )
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        try:
            said, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return []
        return said.split()
