"""Every stage killed, stopped and made to raise while sound plays: how long is nothing heard?

A duet is played into a real sound server's null sink, which is the microphone; what comes out of
the other is recorded. Longest silence, and time until it is divided again, are measured there.

    python -m benchmarks.chaos                 each fault of each stage three times; five minutes
    python -m benchmarks.chaos --times 20      33 minutes; wants a machine with nothing else to do
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.chaos_claims import MOST_AWAY_S, MOST_GAP_MS, Consequence, consequence
from benchmarks.monitors import RATE_HZ, MonitorRecorder, Recording
from benchmarks.null_sinks import OPENING_S, check_programs, wait_until
from benchmarks.report import Report, command, command_line
from benchmarks.session_run import COMMAND, ProgramRun, add_options, model_arguments, working_folder
from benchmarks.told import Said, read_said, read_told
from pixelplayer.band import Scene, demo_scene
from realtime.dial import STAGE
from realtime.reports import EXIT_INTERRUPTED
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import PulseServer

APART_S = 8.0  # faults
FIRST_S = 20.0  # of the run: objects are found, spares are open
_PICTURES_PER_S, _HEIGHT_PX, _WIDTH_PX = 10, 270, 480
_NOISE = 10 ** (-45 / 20)
_LOOK_EVERY_S = 0.25
_CASES = (
    *(("separation", kind, stage) for stage in ("sight", "hearing", "separator")
      for kind in ("kill", "stop", "raise")),
    *(("device", "raise", stage) for stage in ("camera", "microphone", "speaker")),
    *(("device", kind, "speaker") for kind in ("kill", "stop")),  # and the microphone with it
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One run: faults as they happened, what was heard, and who was left over."""

    said: tuple[Said, ...]
    recording: Recording
    orphans: int
    restarts: float
    gone_on: bool  # to its end, without an error


def main(arguments: Sequence[str] | None = None) -> int:
    """Start server, camera and player; let stages fail, record, print."""
    parser = options_parser()
    options = parser.parse_args(arguments)
    check_programs(parser)
    server = PulseServer()
    try:
        report = measure(server, options)
    finally:
        server.close()
    return report.publish(options.json)


def options_parser() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--times", type=int, default=3, metavar="N", help="each fault")
    parser.add_argument("--only", metavar="STAGE", help="faults of one stage")
    parser.add_argument("--device", default="pulse", help="PortAudio's name for both directions")
    return parser


def measure(server: PulseServer, options: argparse.Namespace) -> Report:
    """One run, and what is asked of it."""
    cases = [case for case in _CASES if options.only in (None, case[2])]
    faults = [case for _ in range(options.times) for case in _spread(cases)]
    with working_folder(options.keep) as folder:
        heard = _run(server, options, folder, faults)
        report = Report(f"faults, each {options.times} times, {STAGE}")
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        report.note("cores; load at the end, of 1, 5, 15 min", f"{os.cpu_count()}; {load}")
        _judge(report, heard, cases, len(faults))
    return report


def _spread(cases: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """One stage after another: each has time to be steady before it fails again."""
    stages = list(dict.fromkeys(stage for *_, stage in cases))
    by_stage = [[case for case in cases if case[2] == stage] for stage in stages]
    most = max(map(len, by_stage))
    return [own[turn] for turn in range(most) for own in by_stage if turn < len(own)]


def _judge(
    report: Report, heard: Heard, cases: Sequence[tuple[str, str, str]], wanted: int
) -> None:
    chaos = [item for item in heard.said if item.text.startswith("chaos: ")]
    found: dict[tuple[str, str], list[Consequence]] = {}
    samples: NDArray[np.float32] = heard.recording.samples
    for item in chaos:
        _, kind, stage = item.text.split()
        at = round((item.at_s - heard.recording.start_s) * RATE_HZ)
        stop = at + round((APART_S - 0.5) * RATE_HZ)
        found.setdefault((kind, stage), []).append(consequence(samples, at, stop, RATE_HZ))
    if chaos:
        # What the machine does without any fault: with others at work it may stall by itself.
        first = round((chaos[0].at_s - heard.recording.start_s) * RATE_HZ)
        quiet = consequence(samples, max(first - round(APART_S * RATE_HZ), 0), first, RATE_HZ)
        report.note("without a fault: longest silence", f"{quiet.gap_ms:.0f} ms")
    report.claim("faults brought about", f"{wanted}", f"{len(chaos)}", met=len(chaos) == wanted)
    for what, kind, stage in cases:
        own = found.get((kind, stage), [])
        gap_ms = max((one.gap_ms for one in own), default=math.nan)
        away = [one.away_s for one in own]
        name = f"{kind} {stage}"
        if what == "device" and stage != "camera":
            # Who captures or plays is silent until it is back: that is the fault itself.
            report.note(f"{name}: longest silence, the fault itself", f"{gap_ms:.0f} ms")
        else:
            report.at_most(f"{name}: longest silence", gap_ms, MOST_GAP_MS, "ms")
        report.at_most(f"{name}: divided again after", _worst(away), MOST_AWAY_S, "s")
        report.keep(name, [(one.gap_ms, one.away_s) for one in own])
    report.claim("orphans", "0", f"{heard.orphans}", met=heard.orphans == 0)
    report.note("restarts that the player counted", f"{heard.restarts:.0f}")
    report.claim("the run went on to its end", "yes", str(heard.gone_on), met=heard.gone_on)


def _worst(values: Sequence[float]) -> float:
    """The largest; not a number where one is not, or there is none."""
    if not values or any(map(math.isnan, values)):
        return math.nan
    return max(values)


def _run(
    server: PulseServer,
    options: argparse.Namespace,
    folder: Path,
    faults: Sequence[tuple[str, str, str]],
) -> Heard:
    scene = demo_scene(RATE_HZ)
    shown = _pictures(scene)
    told_file = folder / "told.jsonl"
    plan = ", ".join(
        f"{kind} {stage} {FIRST_S + APART_S * number:.1f}"
        for number, (_, kind, stage) in enumerate(faults)
    )
    lasts_s = FIRST_S + APART_S * (len(faults) + 1)
    with contextlib.ExitStack() as opened:
        camera = MjpegCamera(lambda index: shown[index % len(shown)], 1 / _PICTURES_PER_S)
        opened.callback(camera.close)
        player = server.play(_sound(scene, lasts_s + OPENING_S))
        opened.callback(end_process, player)
        line = ["-m", "benchmarks.told_run", str(told_file)]
        line += ["--video", camera.url, "--audio", options.device, "--speaker", options.device]
        line += ["--view", "none", "--lookahead", STAGE, "--chaos", plan, *model_arguments(options)]
        environment = {
            **server.environment,
            "PYTHONPATH": str(COMMAND.parent),
            "XDG_STATE_HOME": str(folder / "state"),
        }
        run = ProgramRun(line, folder, environment)
        opened.callback(run.close)
        wait_until(lambda: bool(read_told(told_file)), run, "begin")
        recorder = MonitorRecorder("spk.monitor", server.environment, channels=2)
        family = _Family(run.pid)
        begun_s = time.monotonic()
        while time.monotonic() < begun_s + lasts_s and run.is_running:
            time.sleep(1.0)
        recording = recorder.stop()
        gone_on = run.is_running
        run.interrupt()
        run.wait(OPENING_S, EXIT_INTERRUPTED)
        return Heard(
            said=read_said(told_file),
            recording=recording,
            orphans=family.left_over(),
            restarts=read_told(told_file)[-1].value("supervisor", "restarts"),
            gone_on=gone_on,
        )


def _pictures(scene: Scene) -> list[NDArray[np.uint8]]:
    count = round(len(scene.mixture) / RATE_HZ * _PICTURES_PER_S)
    return [scene.frame(index / _PICTURES_PER_S, _HEIGHT_PX, _WIDTH_PX) for index in range(count)]


def _sound(scene: Scene, duration_s: float) -> NDArray[np.float32]:
    """The duet over and over, and a noise that never rests: silence is never meant."""
    length = round(duration_s * RATE_HZ)
    rng = np.random.default_rng(5)
    mixture = np.resize(scene.mixture, length)
    sound: NDArray[np.float32] = mixture + np.float32(_NOISE) * rng.standard_normal(
        length, dtype=np.float32
    )
    return sound


class _Family:
    """All processes that a run ever had."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._seen: set[psutil.Process] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="family", daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            with contextlib.suppress(psutil.NoSuchProcess):
                self._seen.update(self._root.children(recursive=True))

    def left_over(self) -> int:
        """How many of them are still there, the run being over."""
        self._over.set()
        self._thread.join(5)
        return sum(process.is_running() for process in self._seen)


if __name__ == "__main__":
    command(main)
