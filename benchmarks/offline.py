"""How many times faster than real time a file is separated.

The built-in duet is written to a film, as most files are, and separated with ``--pace fast``: from
the command to its end, so starting, decoding and writing are part of it.

Where others want the cores as well it takes longer, but hardly more of the processor: that time, of
all processes, is told too, and how fast two cores with nothing else to do would be at most.

    python -m benchmarks.offline
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import write_scene
from benchmarks.session_run import (
    add_options,
    live_run,
    model_arguments,
    quiet,
    working_folder,
)
from pixelplayer.band import demo_scene
from realtime.sources.demo import HEIGHT_PX, RATE_HZ, WIDTH_PX

LEAST_TIMES = 5.0
_SLOWEST = 0.1  # of real time
_CORES = 2  # that the claim is about


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the film, separate it some times, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=60.0, metavar="S")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="besides the first")
    options = parser.parse_args(arguments)
    with working_folder(options.keep) as folder:
        film = folder.resolve() / "duet.mkv"
        write_duet(film, options.duration)
        line = [*quiet(["--source", str(film), "--pace", "fast"]), *model_arguments(options)]
        taken, cpu = [], []
        for number in range(options.runs + 1):
            before_s = _cpu_of_children_s()
            taken.append(separated_s(line, folder / f"{number}", options.duration))
            cpu.append(_cpu_of_children_s() - before_s)
    report = Report(f"offline, a duet of {options.duration:.0f} s")
    report.note("with an empty cache, or the first run", f"{options.duration / taken[0]:.2f} x")
    fastest = [options.duration / seconds for seconds in taken[1:]]
    report.at_least("times real time, median", statistics.median(fastest), LEAST_TIMES, "x")
    report.note("slowest, fastest", f"{min(fastest):.2f}, {max(fastest):.2f} x")
    cpu_s = statistics.median(cpu[1:])
    report.note("processor time, of a core", f"{cpu_s / options.duration:.2f}")
    report.note(f"… so {_CORES} idle cores: at most", f"{_CORES * options.duration / cpu_s:.2f} x")
    report.keep("seconds", taken)
    report.keep("processor seconds", cpu)
    return report.publish(options.json)


def write_duet(path: Path, duration_s: float) -> None:
    """The demo's scene over and over, its pictures in H.264."""
    scene = demo_scene(RATE_HZ)
    mixture = np.take(scene.mixture, np.arange(round(duration_s * RATE_HZ)), mode="wrap")
    pictures = (
        scene.frame(index / scene.fps, HEIGHT_PX, WIDTH_PX)
        for index in range(round(duration_s * scene.fps))
    )
    write_scene(path, pictures, scene.fps, mixture, RATE_HZ, video_codec="libx264")


def separated_s(line: Sequence[str], folder: Path, duration_s: float) -> float:
    """How long the command takes.

    Raises:
        RunError: it fails, or takes longer than ten times the film's length and a minute.
    """
    began_s = time.monotonic()
    with live_run(line, folder) as run:
        return run.wait(duration_s / _SLOWEST + 60.0) - began_s


def _cpu_of_children_s() -> float:
    """Of all that were started and have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    command(main)
