"""Devices that fail while the player plays: is everything back, how soon, and did the rest go on?

Microphone and speaker are null sinks of two real sound servers, the camera is a real server of
pictures. Each fault is made, lasts some seconds, and is undone; from then on time counts.

    python -m benchmarks.devices                every fault five times, ten minutes
    python -m benchmarks.devices --times 20     forty minutes
    python -m benchmarks.devices --only camera
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.device_faults import Fault, faults, wait
from benchmarks.null_sinks import OPENING_S, check_programs, wait_until
from benchmarks.report import Report, command, command_line
from benchmarks.session_run import COMMAND, ProgramRun, add_options, model_arguments, working_folder
from benchmarks.sound_watch import SoundWatch
from benchmarks.told import read_told
from pixelplayer import band
from realtime.dial import STAGE
from realtime.reports import EXIT_INTERRUPTED
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ
from tests.live.sound_devices import MICROPHONE, SPEAKER, SoundDevices

BUSY_OPENING_S = 300.0
PATIENCE_S = 15.0
BETWEEN_S = 3.0
MOST_HOLE_S = 0.05  # in the sound, while the camera is gone
LEAST_SHARE = 0.8  # of what the recording, or the camera, would have had
_NOISE_S = 90.0  # longer than any fault
_PICTURES_PER_S, _SCENE_S = 30, 2.0
_HEADER_BYTES, _SAMPLE_BYTES = 256, 4  # of the recording


_NO_FAULT = Fault(
    name="none",
    device="camera",
    begin=lambda: None,
    end=lambda: None,
    lasts_s=4.0,
    is_gone=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one fault did. ``back_s`` None: it never came back."""

    back_s: float | None
    noticed: bool
    hole_s: float  # in the sound, from before the fault to after it
    recorded: float  # share of the time that is in the recording
    seen: float  # share of the pictures that came


class Stage:
    """A player with its devices; what it does can be seen from outside."""

    def __init__(self, folder: Path, options: argparse.Namespace, opened: contextlib.ExitStack):
        self.devices = SoundDevices()
        opened.callback(self.devices.close)
        scene = band.scene(11, _SCENE_S, RATE_HZ)
        shown = [
            scene.frame(index / _PICTURES_PER_S, 360, 640)
            for index in range(round(_SCENE_S * _PICTURES_PER_S))
        ]
        self.camera = MjpegCamera(lambda index: shown[index % len(shown)], 1 / _PICTURES_PER_S)
        opened.callback(self.camera.close)
        self.told_file = folder / "told.jsonl"
        self.record = folder / "record"
        self._noise = folder / "noise.f32"
        rng = np.random.default_rng(1)
        noise = 0.05 * rng.standard_normal(round(_NOISE_S * RATE_HZ))
        noise.astype("<f4").tofile(self._noise)
        self._player: subprocess.Popen[bytes] | None = None
        opened.callback(self._silence)
        self.play()
        line = ["-m", "benchmarks.told_run", str(self.told_file)]
        line += ["--video", self.camera.url, "--audio", MICROPHONE, "--speaker", SPEAKER]
        line += ["--view", "none", "--lookahead", STAGE, "--record", str(self.record)]
        line += model_arguments(options)
        environment = {**self.devices.environment, "PYTHONPATH": str(COMMAND.parent)}
        self.run = ProgramRun(line, folder, environment)
        opened.callback(self.run.close)

    def play(self) -> None:
        """Let the microphone hear noise for a minute, or until its server goes."""
        self._silence()
        line = ["pacat", "--playback", "--device=mic", "--raw", "--format=float32le"]
        line += [f"--rate={RATE_HZ}", "--channels=1", "--latency-msec=200", str(self._noise)]
        self._player = subprocess.Popen(
            line,
            env=self.devices.microphone.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _silence(self) -> None:
        if self._player is not None:
            end_process(self._player)

    def listen(self) -> SoundWatch:
        """To the speaker."""
        return SoundWatch("spk.monitor", self.devices.speaker.environment)

    def recorded_s(self) -> float:
        """Of the mixture, so far."""
        mixture = self.record / "mixture.wav"
        with mixture.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        rate_at = header.find(b"fmt ") + 12
        rate_hz = int.from_bytes(header[rate_at : rate_at + 4], "little")
        return mixture.stat().st_size / _SAMPLE_BYTES / rate_hz


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, break and mend, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--times", type=int, default=5, metavar="N", help="each fault")
    parser.add_argument("--only", choices=("camera", "microphone", "speaker"), help="its faults")
    options = parser.parse_args(arguments)
    check_programs(parser)
    report = Report(f"devices that fail, each {options.times} times")
    with working_folder(options.keep) as folder, contextlib.ExitStack() as opened:
        stage = Stage(folder, options, opened)
        wait_until(lambda: _is_heard(stage), stage.run, "begin to play", BUSY_OPENING_S)
        wait(BETWEEN_S)
        calm = _suffer(stage, _NO_FAULT)
        report.note(
            "without a fault: longest hole in the sound, share of pictures, of the recording",
            f"{calm.hole_s:.2f} s, {calm.seen:.2f}, {calm.recorded:.2f}",
        )
        for fault in faults(stage.devices, stage.camera, stage.play):
            if options.only in (None, fault.device):
                judge(report, fault, [_suffer(stage, fault) for _ in range(options.times)])
        stage.run.interrupt()
        stage.run.wait(OPENING_S, EXIT_INTERRUPTED)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    report.note("cores; load at the end, of 1, 5, 15 min", f"{os.cpu_count()}; {load}")
    return report.publish(options.json)


def judge(report: Report, fault: Fault, outcomes: Sequence[Outcome]) -> None:
    """Recovered, how soon, and what went on meanwhile."""
    what = f"{fault.device}, {fault.name}"
    back = [outcome.back_s for outcome in outcomes if outcome.back_s is not None]
    noticed = sum(outcome.noticed for outcome in outcomes)
    report.keep(what, [[o.back_s, o.noticed, o.hole_s, o.recorded, o.seen] for o in outcomes])
    report.claim(
        f"{what}: back", "all", f"{len(back)} of {len(outcomes)}", met=len(back) == len(outcomes)
    )
    if back:
        got = f"{np.median(back):.2f} s, {max(back):.2f} s"
        report.note("… after it was mended, median and longest", got)
    if fault.is_gone:
        got = f"{noticed} of {len(outcomes)}"
        report.claim("… missed by name", "all", got, met=noticed == len(outcomes))
    if fault.device == "camera":
        report.at_most(
            "… longest hole in the sound", max(o.hole_s for o in outcomes), MOST_HOLE_S, "s"
        )
    else:
        report.at_least("… pictures went on, share", min(o.seen for o in outcomes), LEAST_SHARE, "")
    report.at_least(
        "… recording went on, share", min(o.recorded for o in outcomes), LEAST_SHARE, ""
    )


def _suffer(stage: Stage, fault: Fault) -> Outcome:
    """Make a fault, and see what becomes of everything."""
    stage.play()
    _sound_back(stage)
    said = len(stage.run.output())
    pictures, recorded_s, begun_s = stage.camera.sent, stage.recorded_s(), time.monotonic()
    before = stage.listen() if fault.device == "camera" else None
    if before is not None:
        wait(1.0)
    fault.begin()
    wait(fault.lasts_s)
    fault.end()
    mended_s = time.monotonic()
    back_s = _picture_back(stage, fault, said) if before else _sound_back(stage)
    wait(BETWEEN_S)
    elapsed_s = time.monotonic() - begun_s
    hole_s = 0.0
    if before is not None:
        hole_s = before.longest_silence_s()
        before.stop()
    return Outcome(
        back_s=None if back_s is None else max(back_s - mended_s, 0.0),
        noticed="waiting for it by name" in stage.run.output()[said:],
        hole_s=hole_s,
        recorded=(stage.recorded_s() - recorded_s) / elapsed_s,
        seen=(stage.camera.sent - pictures) / elapsed_s / _PICTURES_PER_S,
    )


def _sound_back(stage: Stage) -> float | None:
    watch = stage.listen()
    try:
        return _first(watch.sounds_since_s)
    finally:
        watch.stop()


def _picture_back(stage: Stage, fault: Fault, said: int) -> float | None:
    """When the camera's pictures flow to the player again."""
    sent = stage.camera.sent

    def since_s() -> float | None:
        if fault.is_gone and "is back after" not in stage.run.output()[said:]:
            return None
        return time.monotonic() if stage.camera.sent > sent + 1 else None

    return _first(since_s)


def _first(since_s: Callable[[], float | None]) -> float | None:
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        if (at_s := since_s()) is not None:
            return at_s
        time.sleep(0.02)
    return None


def _is_heard(stage: Stage) -> bool:
    told = read_told(stage.told_file)
    return bool(told) and told[-1].value("speaker", "latency_ms") > 0


if __name__ == "__main__":
    command(main)
