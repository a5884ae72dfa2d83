"""How long it takes from the command to the first separated sound, with what a first run leaves.

The first run, which measures engines and compiles them, is not counted. The player's windows need
sound before there is anything to separate: that time is part of it.

    python -m benchmarks.start
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import (
    add_options,
    live_run,
    model_arguments,
    quiet,
    working_folder,
)

MOST_S = 1.5
_TIMEOUT_S = 60.0
_DURATION_S = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Start some times, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--runs", type=int, default=7, metavar="N")
    parser.add_argument("--place", choices=("threads", "processes"), default="processes")
    options = parser.parse_args(arguments)
    line = quiet(["--demo", "--duration", str(_DURATION_S), "--place", options.place])
    line += model_arguments(options)
    with working_folder(options.keep) as folder:
        taken = [first_sound_s(line, folder / f"{number}") for number in range(options.runs + 1)]
    report = Report("start")
    report.note("with an empty cache, or the first run", f"{taken[0]:.2f} s")
    report.at_most("first separated sound, median", statistics.median(taken[1:]), MOST_S, "s")
    report.note("longest", f"{max(taken[1:]):.2f} s")
    report.keep("seconds", taken)
    return report.publish(options.json)


def first_sound_s(line: Sequence[str], folder: Path) -> float:
    """From starting the command until its recorder has the first of the streams.

    Raises:
        BenchmarkError: none came.
    """
    began = time.monotonic()
    with live_run(line, folder) as run:
        first = run.record / "residual.wav"  # made when the first of the streams is there
        while not first.exists():
            if time.monotonic() - began > _TIMEOUT_S or not run.is_running:
                raise BenchmarkError(f"no separated sound came\n{run.output()}")
            time.sleep(0.002)
        taken_s = time.monotonic() - began
        run.wait(_TIMEOUT_S)
    return taken_s


if __name__ == "__main__":
    command(main)
