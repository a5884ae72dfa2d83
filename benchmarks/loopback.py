"""Microphone to speaker through a real sound server: how late, and does it stay so?

A private PulseAudio has a null sink ``mic``, whose monitor is the microphone, and a null sink
``spk``. Noises are played into the one; both are recorded and compared.

    python -m benchmarks.loopback --duration 40
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Timer

import numpy as np

from benchmarks.delay import Delay
from benchmarks.monitors import RATE_HZ
from benchmarks.null_sinks import (
    OPENING_S,
    SETTLING_S,
    check_programs,
    exchange,
    player_s,
    prepared,
    wait_until,
)
from benchmarks.report import Report, command, command_line
from benchmarks.session_run import (
    LiveRun,
    add_options,
    live_run,
    model_arguments,
    read_session,
    working_folder,
)
from benchmarks.stillness import note_stillness, watched
from pixelplayer import band
from realtime.dial import INSTANT, LIVE, STAGE
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer

MOST_LATENCY_MS: Mapping[str, float] = {STAGE: 400.0, LIVE: 180.0, INSTANT: 90.0}
MOST_SPREAD_MS = 20.0  # below this nobody hears a delay change
MOST_DRIFT_MS_PER_MINUTE = 5.0
LIKE = 0.5  # correlation below which a second counts as not heard
_LEAST_LIKE = 3
_STALLED_SECONDS = 2  # of noise that a stall may make unlike


def main(arguments: Sequence[str] | None = None) -> int:
    """Start server, camera and player; play, record, compare, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=40.0, metavar="S")
    parser.add_argument(
        "--stall",
        type=float,
        default=0.0,
        metavar="MS",
        help="stop the player for this long, half way: is the delay the same afterwards?",
    )
    parser.add_argument(
        "--lookahead", choices=list(MOST_LATENCY_MS), default=STAGE, help="where the dial stands"
    )
    parser.add_argument("--device", default="pulse", help="PortAudio's name for both directions")
    options = parser.parse_args(arguments)
    check_programs(parser)
    still = band.scene(11, 2.0, RATE_HZ).frame(0.5, 360, 640)
    server, camera = PulseServer(), MjpegCamera(lambda _: still, 1 / 15)
    try:
        with working_folder(options.keep) as folder:
            line = ["--video", camera.url, "--audio", options.device, "--speaker", options.device]
            line += ["--view", "none", *model_arguments(options)]
            line += ["--lookahead", options.lookahead]
            line += ["--duration", str(player_s(options.duration))]
            pieces = prepared(server, options.duration)
            with live_run(line, folder / "live", server.environment) as run:
                wait_until(lambda: _is_recording(run), run, "begin to record")
                half_s = SETTLING_S / 2 + options.duration / 2
                stall = Timer(half_s, _stop_for, (run.pid, options.stall / 1000))
                if options.stall:
                    stall.start()
                with watched() as stillness:
                    gone = exchange(server, pieces)
                run.wait(player_s(options.duration) - options.duration + OPENING_S)
                facts = read_session(run.record).facts
                told, causes = facts["latency_ms"], facts["latency_causes_ms"]
    finally:
        camera.close()
        server.close()
    report = Report(f"microphone to speaker, {options.lookahead}")
    report.keep("told_latency_ms", told)
    judge(
        report,
        gone.delays,
        MOST_LATENCY_MS[options.lookahead],
        most_unheard=_STALLED_SECONDS if options.stall else 0,
    )
    report.note("clocks, speaker against microphone", f"{gone.apart_ppm:+.0f} ppm")
    error_ms = [1000 * item.delay_s for item in gone.errors]
    if error_ms:
        report.note("error of the measurement (one source, recorded twice)", _range(error_ms))
    note_stillness(report, stillness.stalls_s)
    report.note("latency as the player tells it", f"{told['p50']:.0f} ms")
    parts = ", ".join(f"{value:.0f} {cause}" for cause, value in causes.items())
    report.note("… by its causes, ms", parts)
    return report.publish(options.json)


def judge(report: Report, found: Sequence[Delay], most_ms: float, most_unheard: int = 0) -> None:
    """Median, spread and drift of the delays of the seconds that were heard again."""
    like = [item for item in found if item.likeness >= LIKE]
    report.keep("delays_ms", [(item.at_s, 1000 * item.delay_s, item.likeness) for item in found])
    is_met = len(like) + most_unheard >= len(found) >= _LEAST_LIKE
    asked = f"all but {most_unheard}" if most_unheard else "all"
    report.claim("seconds heard again", asked, f"{len(like)} of {len(found)}", met=is_met)
    if len(like) < _LEAST_LIKE:
        return
    late_ms = np.array([1000 * item.delay_s for item in like])
    at_s = np.array([item.at_s for item in like])
    report.at_most("latency, median", float(np.median(late_ms)), most_ms, "ms")
    report.at_most("latency, longest", float(late_ms.max()), most_ms, "ms")
    report.at_most("latency, longest - shortest", float(np.ptp(late_ms)), MOST_SPREAD_MS, "ms")
    drift = 60 * slope(at_s, late_ms)
    report.at_most("drift", abs(drift), MOST_DRIFT_MS_PER_MINUTE, "ms/min")


def _stop_for(pid: int, duration_s: float) -> None:
    """Stop a process, and let it go on."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(duration_s)
    os.kill(pid, signal.SIGCONT)


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """The median slope between any two points (Theil-Sen): a single step is none."""
    first, second = np.triu_indices(len(x), k=1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


def _is_recording(run: LiveRun) -> bool:
    """Whether the player's own recording grows: then all of its parts are at work."""
    mixture: Path = run.record / "mixture.wav"
    return mixture.exists() and mixture.stat().st_size > RATE_HZ


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f} .. {max(values):.1f} ms"


if __name__ == "__main__":
    command(main)
