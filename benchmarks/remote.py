"""A stage on another host, over a way that is slow, lossy, and cut: does the sound notice?

The other host is a network namespace; every packet between the two is delayed, and some are lost
(``benchmarks.links``). Microphone and speaker are null sinks of a real sound server.

    sudo python -m benchmarks.remote                  20 ms +- 5 ms a way, 1 % lost, a cut of 5 s
    sudo python -m benchmarks.remote --strangers 20   and 20 who are refused every second
    sudo python -m benchmarks.remote --stage hearing  in place of sight: the sound itself goes there
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Timer

import numpy as np

from benchmarks.links import FAR, Link, Weather, check_rights
from benchmarks.loopback import LIKE
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
from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import COMMAND, ProgramRun, add_options, model_arguments, working_folder
from benchmarks.soak_claims import LOSSES, counted
from benchmarks.strangers import Strangers
from benchmarks.told import Told, read_told
from benchmarks.traces import steps
from pixelplayer import band
from realtime.dial import STAGE
from realtime.remote.keys import make_pair, read_pair, trust
from realtime.reports import EXIT_INTERRUPTED
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer

PORT = 7000
MOST_RESUME_S = 2.0
STAGES_ELSEWHERE = ("sight", "hearing", "separator")
LEAST_DURATION_S = 20.0
_PICTURES_PER_S, _SCENE_S = 30, 2.0
_SOUND = tuple(row for row in LOSSES if row[1] != "microphone")
# Where the sound itself is cut off, the mixture takes its place, and it must be heard all the same.
_PLAYED = tuple(row for row in LOSSES if row[2] in ("gaps", "device_underflows", "device_reopened"))
_REFUSED = re.compile(r"refused so far: (\d+) connections, (\d+) .*; (\d+) letters")


def main(arguments: Sequence[str] | None = None) -> int:
    """Start link, host, server, camera and player; play, cut, watch, print."""
    parser = options_parser()
    options = parser.parse_args(arguments)
    check_programs(parser)
    check_rights()
    if options.duration < LEAST_DURATION_S + options.cut:
        parser.error(f"--duration must be {LEAST_DURATION_S + options.cut:.0f} s or more")
    with contextlib.closing(PulseServer()) as server:
        report = measure(server, options)
    return report.publish(options.json)


def options_parser() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=40.0, metavar="S")
    parser.add_argument("--delay", type=float, default=20.0, metavar="MS", help="of either way")
    parser.add_argument("--jitter", type=float, default=5.0, metavar="MS", help="more or less")
    parser.add_argument("--loss", type=float, default=1.0, metavar="PERCENT", help="of packets")
    parser.add_argument("--cut", type=float, default=5.0, metavar="S", help="half way; 0: none")
    parser.add_argument("--stage", choices=STAGES_ELSEWHERE, default="sight", help="that is there")
    parser.add_argument("--here", action="store_true", help="on this host, to compare with")
    parser.add_argument("--strangers", type=float, default=0.0, metavar="HZ", help="that knock")
    parser.add_argument("--device", default="pulse", help="PortAudio's name for both directions")
    return parser


def measure(server: PulseServer, options: argparse.Namespace) -> Report:
    """One run, and what is asked of it."""
    weather = Weather(delay_ms=options.delay, jitter_ms=options.jitter, loss=options.loss / 100)
    with working_folder(options.keep) as folder, contextlib.ExitStack() as opened:
        link = opened.enter_context(contextlib.closing(Link(weather)))
        told_file, trace = folder / "told.jsonl", folder / "trace.json"
        host = None if options.here else opened.enter_context(serving(link, folder, options))
        pieces = prepared(server, options.duration)
        run = opened.enter_context(_player(server, folder, options))
        wait_until(lambda: _is_seen(told_file), run, "hear, and see")
        begun_s = time.monotonic()
        strangers = None if host is None else _strangers(folder, options.strangers)
        if options.cut:
            opened.enter_context(_cut(link, SETTLING_S + options.duration / 2, options.cut))
        gone = exchange(server, pieces)
        if strangers is not None:
            strangers.stop()
            time.sleep(6.0)  # until the host has told
        run.interrupt()
        run.wait(OPENING_S, EXIT_INTERRUPTED)
        told = tuple(row for row in read_told(told_file) if row.at_s >= begun_s)
        maps_s = steps(trace, ("sight",))["sight"].starts_s
        said = "" if host is None else host.read_text(encoding="utf-8")
    way = (
        f"{options.delay:.0f} ms +- {options.jitter:.0f} a way, {options.loss:g} % lost, "
        f"cut for {options.cut:.0f} s"
    )
    stage = options.stage
    report = Report(f"{stage} here" if options.here else f"{stage} elsewhere: {way}")
    report.note("packets carried, lost", f"{link.carried}, {link.lost}")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    report.note("cores; load at the end, of 1, 5, 15 min", f"{os.cpu_count()}; {load}")
    judge_sound(report, gone, told, _SOUND if options.here or stage == "sight" else _PLAYED)
    judge_maps(report, maps_s, options.cut if stage == "sight" and not options.here else 0.0)
    if not options.here:
        note_way(report, told, stage)
    if strangers is not None:
        judge_strangers(report, said, strangers)
    return report


def judge_sound(
    report: Report, gone: Exchange, told: Sequence[Told], lossless: Sequence[tuple[str, str, str]]
) -> None:
    """All that was said is heard, and nothing of ``lossless`` was lost on the way."""
    delays = gone.delays
    heard = sum(item.likeness >= LIKE for item in delays)
    met = heard == len(delays) > 0
    report.claim("seconds heard again", "all", f"{heard} of {len(delays)}", met=met)
    late_ms = np.array([1000 * item.delay_s for item in delays if item.likeness >= LIKE])
    if late_ms.size:
        report.note("delay, shortest and longest", f"{late_ms.min():.0f}, {late_ms.max():.0f} ms")
    for what, stage, name in _SOUND:
        lost = counted(told, stage, name, None) - told[0].value(stage, name)
        if (what, stage, name) in lossless:
            report.at_most(what, lost, 0, "")
        else:
            report.note(what, f"{lost:.0f}")


def judge_maps(report: Report, maps_s: np.ndarray, cut_s: float) -> None:
    """How soon maps come again; the cut cannot be longer than the time without any."""
    between_s = np.diff(maps_s)
    if not between_s.size:
        report.claim("maps", "some", "none", met=False)
        return
    longest = int(between_s.argmax())
    if cut_s:
        resumed_s = float(between_s[longest]) - cut_s
        cut_is_seen = resumed_s >= 0
        report.claim("the cut is a time without maps", "yes", str(cut_is_seen), met=cut_is_seen)
        report.at_most("maps come again, after the end of the cut", resumed_s, MOST_RESUME_S, "s")
    others_s = np.delete(between_s, longest) if cut_s else between_s
    p50, p99 = np.percentile(1000 * others_s, [50, 99])
    report.note("between two maps otherwise, p50, p99, longest",
                f"{p50:.0f}, {p99:.0f}, {1000 * others_s.max():.0f} ms")  # fmt: skip
    report.keep("between_maps_ms", 1000 * between_s)


def note_way(report: Report, told: Sequence[Told], stage: str) -> None:
    """What the stage here tells of the way there."""
    last, spent_s = told[-1], told[-1].at_s - told[0].at_s
    for what, name, unit in (
        ("what comes is old as it arrives there, p50", "there_age_p50_ms", "ms"),
        ("… p99", "there_age_p99_ms", "ms"),
        ("a step there, p50", "there_p50_ms", "ms"),
        ("round trip, shortest of late", "round_trip_ms", "ms"),
        ("away in all", "away_total_s", "s"),
        ("messages that there was no room for", "unsent", ""),
    ):
        report.note(what, f"{last.value(stage, name):.1f} {unit}".strip())
    for what, name in (("sent", "sent_kb"), ("got", "got_kb")):
        kb = last.value(stage, name) - told[0].value(stage, name)
        report.note(f"{what}", f"{8 * kb / spent_s / 1000:.2f} Mbit/s")
    report.claim(
        "letters refused here", "0", f"{last.value(stage, 'refused_letters'):.0f}",
        met=last.value(stage, "refused_letters") == 0,
    )  # fmt: skip


def judge_strangers(report: Report, said: str, strangers: Strangers) -> None:
    """All are refused and counted."""
    counts = [tuple(map(int, found)) for found in _REFUSED.findall(said)]
    connections, keys, letters = counts[-1] if counts else (0, 0, 0)
    report.at_least("connections refused", connections, strangers.knocks, "")
    report.at_least("… of them with an unknown key", keys, max(strangers.keys, 1), "")
    report.at_least("letters of a known peer refused", letters, strangers.letters, "")


def _strangers(folder: Path, rate_hz: float) -> Strangers | None:
    if not rate_hz:
        return None
    there, known = read_pair(folder / "box").public, read_pair(folder / "peer")
    return Strangers(FAR, PORT, there, known, rate_hz)


@contextlib.contextmanager
def serving(link: Link, folder: Path, options: argparse.Namespace) -> Iterator[Path]:
    """``realtime serve`` in the far namespace; the file with what it says."""
    player, box, peer = folder / "player", folder / "box", folder / "peer"
    trust(player, FAR, make_pair(box)[0].public.hex())
    for name, keys in (("studio", player), ("peer", peer)):
        trust(box, name, make_pair(keys)[0].public.hex())
    said = folder / "host.txt"
    line = [sys.executable, "-m", "realtime", "serve", "--listen", f"tcp://{FAR}:{PORT}"]
    line += ["--keys", str(box), "--stages", options.stage, *model_arguments(options)]
    with said.open("wb") as out:
        process = subprocess.Popen(link.there(line), cwd=COMMAND.parent, stdout=out, stderr=out)
    try:
        until_s = time.monotonic() + OPENING_S
        while "waits at" not in said.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > until_s:
                raise BenchmarkError(f"the host does not serve\n{said.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        yield said
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)


@contextlib.contextmanager
def _player(server: PulseServer, folder: Path, options: argparse.Namespace) -> Iterator[ProgramRun]:
    scene = band.scene(11, _SCENE_S, RATE_HZ)
    shown = [
        scene.frame(index / _PICTURES_PER_S, 720, 1280)
        for index in range(round(_SCENE_S * _PICTURES_PER_S))
    ]
    camera = MjpegCamera(lambda index: shown[index % len(shown)], 1 / _PICTURES_PER_S)
    line = ["-m", "benchmarks.told_run", str(folder / "told.jsonl")]
    line += ["--video", camera.url, "--audio", options.device, "--speaker", options.device]
    line += ["--view", "none", "--lookahead", STAGE, *model_arguments(options)]
    line += ["--profile", str(folder / "trace.json"), "--keys", str(folder / "player")]
    if not options.here:
        line += ["--place", f"{options.stage}=tcp://{FAR}:{PORT}"]
    run = ProgramRun(line, folder, {**server.environment, "PYTHONPATH": str(COMMAND.parent)})
    try:
        yield run
    finally:
        run.close()
        camera.close()


@contextlib.contextmanager
def _cut(link: Link, after_s: float, duration_s: float) -> Iterator[None]:
    """Cut the link once."""

    def cut() -> None:
        link.cut()
        time.sleep(duration_s)
        link.mend()

    timer = Timer(after_s, cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _is_seen(told_file: Path) -> bool:
    """Whether the speaker has begun and maps have come."""
    told = read_told(told_file)
    is_heard = bool(told) and told[-1].value("speaker", "latency_ms") > 0
    return is_heard and told[-1].value("sight", "maps_count") > 0


if __name__ == "__main__":
    command(main)
