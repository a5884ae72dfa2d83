"""Microphone to speaker through a real sound server: how late, and does it stay so?

A private PulseAudio has a null sink ``mic``, whose monitor is the microphone, and a null sink
``spk``. Noises are played into the one; both are recorded and compared.

    python -m benchmarks.loopback --duration 40
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Timer

import numpy as np

from benchmarks.delay import Delay, delays
from benchmarks.monitors import RATE_HZ, MonitorRecorder, Recording
from benchmarks.report import Report, command, command_line
from benchmarks.session_run import (
    LiveRun,
    RunError,
    add_options,
    live_run,
    model_arguments,
    read_session,
    working_folder,
)
from pixelplayer import band
from realtime.dial import INSTANT, LIVE, STAGE
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import PulseServer

MOST_LATENCY_MS: Mapping[str, float] = {STAGE: 400.0, LIVE: 180.0, INSTANT: 90.0}
MOST_SPREAD_MS = 20.0  # below this nobody hears a delay change
MOST_DRIFT_MS_PER_MINUTE = 5.0
_LONGEST_S = 4.0
_LIKE = 0.5  # correlation below which a second counts as not heard
_LEAST_LIKE = 3
_STALLED_SECONDS = 2  # of noise that a stall may make unlike
_OPENING_S = 60.0
_SETTLING_S = 5.0
_NEEDED = ("pulseaudio", "pactl", "pacat")


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
    for program in _NEEDED:
        if shutil.which(program) is None:
            parser.error(f"{program} is missing; run: scripts/system-packages test")
    still = band.scene(11, 2.0, RATE_HZ).frame(0.5, 360, 640)
    server, camera = PulseServer(), MjpegCamera(lambda _: still, 1 / 15)
    try:
        with working_folder(options.keep) as folder:
            line = ["--video", camera.url, "--audio", options.device, "--speaker", options.device]
            line += ["--view", "none", *model_arguments(options)]
            line += ["--lookahead", options.lookahead]
            line += ["--duration", str(options.duration + 2 * _SETTLING_S)]
            with live_run(line, folder / "live", server.environment) as run:
                _wait_for_recording(run)
                half_s = _SETTLING_S / 2 + options.duration / 2
                stall = Timer(half_s, _stop_for, (run.pid, options.stall / 1000))
                if options.stall:
                    stall.start()
                said, again, heard = _exchange(server, options.duration)
                run.wait(_OPENING_S)
                facts = read_session(run.record).facts
                told, causes = facts["latency_ms"], facts["latency_causes_ms"]
    finally:
        camera.close()
        server.close()
    report = Report(f"microphone to speaker, {options.lookahead}")
    report.keep("told_latency_ms", told)
    judge(
        report,
        _between(said, heard),
        MOST_LATENCY_MS[options.lookahead],
        most_unheard=_STALLED_SECONDS if options.stall else 0,
    )
    report.note("clocks, speaker against microphone", f"{1e6 * (heard.slow - said.slow):+.0f} ppm")
    error_ms = [1000 * item.delay_s for item in _between(said, again)]
    if error_ms:
        report.note("error of the measurement (one source, recorded twice)", _range(error_ms))
    report.note("latency as the player tells it", f"{told['p50']:.0f} ms")
    parts = ", ".join(f"{value:.0f} {cause}" for cause, value in causes.items())
    report.note("… by its causes, ms", parts)
    return report.publish(options.json)


def judge(report: Report, found: Sequence[Delay], most_ms: float, most_unheard: int = 0) -> None:
    """Median, spread and drift of the delays of the seconds that were heard again."""
    like = [item for item in found if item.likeness >= _LIKE]
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


def noises(duration_s: float, rate_hz: int, seed: int = 3) -> np.ndarray:
    """A different noise and a different chirp every second, ``(n,)`` float32."""
    rng = np.random.default_rng(seed)
    seconds = []
    t_s = np.arange(rate_hz // 4) / rate_hz
    fade = np.hanning(t_s.size)
    for _ in range(round(duration_s)):
        low_hz, high_hz = rng.uniform(200, 800), rng.uniform(2000, 6000)
        chirp = np.sin(2 * np.pi * (low_hz + (high_hz - low_hz) * 2 * t_s) * t_s)
        second = np.zeros(rate_hz)
        second[: t_s.size] = 0.2 * chirp * fade
        second[rate_hz // 2 : rate_hz // 2 + t_s.size] = 0.1 * rng.standard_normal(t_s.size) * fade
        seconds.append(second)
    return np.concatenate(seconds).astype(np.float32)


def _exchange(server: PulseServer, duration_s: float) -> tuple[Recording, Recording, Recording]:
    """Play into the microphone; record it twice, and the speaker."""
    sources = ("mic.monitor", "mic.monitor", "spk.monitor")
    recorders = [MonitorRecorder(source, server.environment) for source in sources]
    time.sleep(_SETTLING_S / 2)
    player = server.play(noises(duration_s, RATE_HZ))
    try:
        player.wait(duration_s + _OPENING_S)
        time.sleep(_SETTLING_S / 2)
    finally:
        end_process(player)
        said, again, heard = (recorder.stop() for recorder in recorders)
    return said, again, heard


def _between(said: Recording, heard: Recording) -> tuple[Delay, ...]:
    later_s = heard.start_s - said.start_s
    found = delays(
        said.samples, heard.samples, RATE_HZ, heard_later_s=later_s, longest_s=_LONGEST_S
    )
    # By each sink's own clock, which are not one.
    return tuple(
        replace(
            item,
            delay_s=heard.instant_s(item.at_s - later_s + item.delay_s) - said.instant_s(item.at_s),
        )
        for item in found
    )


def _wait_for_recording(run: LiveRun) -> None:
    """Until the player's own recording grows: then all of its parts are at work."""
    mixture: Path = run.record / "mixture.wav"
    deadline_s = time.monotonic() + _OPENING_S
    while time.monotonic() < deadline_s and run.is_running:
        if mixture.exists() and mixture.stat().st_size > RATE_HZ:
            return
        time.sleep(0.1)
    raise RunError(f"the player did not begin to record\n{run.output()[-2000:]}")


def _range(values: Sequence[float]) -> str:
    return f"{min(values):.1f} .. {max(values):.1f} ms"


if __name__ == "__main__":
    command(main)
