"""A long live run beside other programs: is anything lost, does anything grow, is it in time?

A real sound server's null sinks are microphone and speaker, a real server of pictures the camera.

    python -m benchmarks.soak --busy 1                    ten minutes beside a busy process
    python -m benchmarks.soak --duration 3600             an hour; 4 GB in the temporary folder
    python -m benchmarks.soak --duration 60 --stall 500   all of it stopped once, half way
"""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from benchmarks.busy import busy_processes
from benchmarks.loopback import MOST_LATENCY_MS, judge
from benchmarks.monitors import RATE_HZ
from benchmarks.null_sinks import (
    OPENING_S,
    SETTLING_S,
    Exchange,
    check_programs,
    exchange,
    prepared,
    wait_until,
)
from benchmarks.process_tree import Sample, TreeWatch, stop_for
from benchmarks.report import Report, command, command_line
from benchmarks.session_run import COMMAND, ProgramRun, add_options, model_arguments, working_folder
from benchmarks.soak_claims import (
    RECOVERED_AFTER_S,
    Stretch,
    judge_growth,
    judge_losses,
    judge_recovery,
    judge_steps,
    note_delay,
    outside,
)
from benchmarks.stillness import note_stillness, watched
from benchmarks.told import Told, read_told
from benchmarks.traces import Steps, steps
from engines.model import read_spec
from engines.shipped import SHIPPED_MODEL
from pixelplayer import band
from realtime.dial import LIVE, dial_at
from realtime.reports import EXIT_INTERRUPTED
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer

LEAST_DURATION_S = 10.0
_PICTURES_PER_S, _SCENE_S = 30, 2.0
_LOOKS = 600  # at the processes, in a run of ten minutes and more
_STAGES = ("hearing", "separator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What was seen and heard of one run; instants are monotonic."""

    begun_s: float
    gone: Exchange
    told: tuple[Told, ...]
    samples: tuple[Sample, ...]
    steps: dict[str, Steps]
    stalled: Stretch | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Start server, camera, player and busy processes; play, watch, print."""
    parser = options_parser()
    options = parser.parse_args(arguments)
    check_programs(parser)
    least_s = LEAST_DURATION_S
    if options.stall:
        least_s = 2 * (options.stall / 1000 + RECOVERED_AFTER_S + SETTLING_S)
    if options.duration < least_s:
        parser.error(f"--duration must be {least_s:.0f} s or more")
    with contextlib.closing(PulseServer()) as server:
        report = measure(server, options)
    return report.publish(options.json)


def options_parser() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=600.0, metavar="S")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="processes that compute")
    parser.add_argument(
        "--stall",
        type=float,
        default=0.0,
        metavar="MS",
        help="stop all of the player's processes for this long, half way",
    )
    parser.add_argument(
        "--lookahead", choices=list(MOST_LATENCY_MS), default=LIVE, help="where the dial stands"
    )
    parser.add_argument("--record", type=Path, metavar="DIR", help="let the player record, too")
    parser.add_argument("--device", default="pulse", help="PortAudio's name for both directions")
    return parser


def measure(server: PulseServer, options: argparse.Namespace) -> Report:
    """One run, and what is asked of it."""
    with working_folder(options.keep) as folder, watched() as still:
        soak = _run(server, options, folder)
    spec = read_spec(options.model or SHIPPED_MODEL)
    column_ms = 1000 * spec.audio.hop / spec.audio.rate_hz
    columns = dial_at(spec, options.lookahead).columns_per_step
    report = Report(
        f"soak: {options.duration:.0f} s, {options.lookahead}, {options.busy} busy beside"
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    report.note("cores; load at the end, of 1, 5, 15 min", f"{os.cpu_count()}; {load}")
    note_stillness(report, still.stalls_s)
    judge_losses(report, soak.told, soak.begun_s, soak.stalled)
    judge_steps(report, soak.steps, column_ms, columns)
    judge_growth(report, soak.samples, soak.begun_s, options.duration)
    found = [(soak.gone.said.instant_s(item.at_s), item) for item in soak.gone.delays]
    judge(report, outside(found, soak.stalled), MOST_LATENCY_MS[options.lookahead])
    if soak.stalled is not None:
        judge_recovery(report, found, soak.stalled)
    report.note("clocks, speaker against microphone", f"{soak.gone.apart_ppm:+.0f} ppm")
    note_delay(report, soak.told)
    last = soak.told[-1]
    pictures = [f"{last.value(stage, 'rate_hz'):.1f} {stage}" for stage in ("camera", "sight")]
    report.note("pictures per second", ", ".join(pictures))
    report.keep("told", [(row.at_s - soak.begun_s, row.stages) for row in soak.told[-1:]])
    return report


def _run(server: PulseServer, options: argparse.Namespace, folder: Path) -> Soak:
    scene = band.scene(11, _SCENE_S, RATE_HZ)
    shown = [
        scene.frame(index / _PICTURES_PER_S, 360, 640)
        for index in range(round(_SCENE_S * _PICTURES_PER_S))
    ]
    told_file, trace = folder / "told.jsonl", folder / "trace.json"
    with contextlib.ExitStack() as opened:
        camera = MjpegCamera(lambda index: shown[index % len(shown)], 1 / _PICTURES_PER_S)
        opened.callback(camera.close)
        line = ["-m", "benchmarks.told_run", str(told_file)]
        line += ["--video", camera.url, "--audio", options.device, "--speaker", options.device]
        line += ["--view", "none", "--lookahead", options.lookahead, *model_arguments(options)]
        line += ["--profile", str(trace)]
        if options.record is not None:
            line += ["--record", str(options.record.resolve())]
        pieces = prepared(server, options.duration)
        run = ProgramRun(line, folder, {**server.environment, "PYTHONPATH": str(COMMAND.parent)})
        opened.callback(run.close)
        wait_until(lambda: _is_heard(told_file), run, "begin to play")
        opened.enter_context(busy_processes(options.busy))
        begun_s = time.monotonic()
        watch = TreeWatch(run.pid, every_s=max(options.duration / _LOOKS, 0.5))
        opened.callback(watch.stop)
        stall = _Stall(run.pid, options.stall / 1000)
        if options.stall:
            opened.enter_context(stall.after((SETTLING_S + options.duration) / 2))
        gone = exchange(server, pieces)
        watch.stop()
        run.interrupt()
        run.wait(OPENING_S, EXIT_INTERRUPTED)
        return Soak(
            begun_s=begun_s,
            gone=gone,
            told=read_told(told_file),
            samples=tuple(watch.samples),
            steps=dict(steps(trace, _STAGES)),
            stalled=stall.stretch,
        )


def _is_heard(told_file: Path) -> bool:
    """Whether the speaker has begun: then all parts are at work."""
    told = read_told(told_file)
    return bool(told) and told[-1].value("speaker", "latency_ms") > 0


class _Stall:
    """Stops the player once, for ``duration_s``; ``stretch`` tells when it did."""

    def __init__(self, pid: int, duration_s: float) -> None:
        self.stretch: Stretch | None = None
        self._pid = pid
        self._duration_s = duration_s

    @contextlib.contextmanager
    def after(self, wait_s: float) -> Iterator[None]:
        """Wait so long, unless the block is over before."""
        timer = Timer(wait_s, self._stop)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _stop(self) -> None:
        begun_s = time.monotonic()
        stop_for(self._pid, self._duration_s)
        self.stretch = Stretch(begun_s=begun_s, ended_s=time.monotonic())


if __name__ == "__main__":
    command(main)
