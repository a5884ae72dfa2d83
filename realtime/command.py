"""What a command does about errors: one line for the user, and the exit code that it means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from engines.errors import EngineError
from pixelplayer.spec import SpecError
from realtime.errors import DeviceError, UsageError
from realtime.reports import EXIT_INTERRUPTED, EXIT_RAN, failure
from realtime.screen import Screen


@dataclass(slots=True)
class Outcome:
    """How the command ended."""

    exit_code: int = EXIT_RAN


@contextmanager
def failing(screen: Screen) -> Iterator[Outcome]:
    """Turn the errors that users can mend, and Ctrl-C, into a line and an exit code."""
    outcome = Outcome()
    try:
        yield outcome
    except (UsageError, SpecError, EngineError, DeviceError) as error:
        report = failure("run_live.py", error)
        screen.error(report.text)
        outcome.exit_code = report.exit_code
    except KeyboardInterrupt:
        outcome.exit_code = EXIT_INTERRUPTED
