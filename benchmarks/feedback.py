"""A speaker that the microphone hears: does it howl, for how long, and is music left alone?

python -m benchmarks.feedback                 rooms around the player's own stages, simulated
python -m benchmarks.feedback --live          a real sound server; the microphone is the speaker
python -m benchmarks.feedback --music FOLDER  recordings that no speaker is in: is one touched?
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from benchmarks.feedback_live import judge_live
from benchmarks.feedback_loop import RATE_HZ, Heard, Samples, in_the_loop, levels_db, room
from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import add_options
from pixelplayer import band
from realtime.sinks.feedback.guard import FeedbackGuard

GAINS_DB = (-6.0, 0.0, 3.0, 6.0, 12.0)
DELAYS_S = (0.010, 0.080, 0.250)
REVERBERATIONS = (0.1, 1.0)
HOWL_DB = 10.0  # above the loudest tenth of a second of the source
MOST_HOWL_S = 2.5
MOST_LEFT_DB = 3.0
MOST_OF_A_CORE = 0.05
_PEAK = 0.1
_PIECE = 2048
_TOLD_S = 0.175
_LONGEST_S = 60.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=12.0, metavar="S", help="of each loop")
    parser.add_argument("--live", action="store_true", help="through a real sound server")
    parser.add_argument("--music", type=Path, metavar="FOLDER", help="recordings, however deep")
    options = parser.parse_args(arguments)
    report = Report("acoustic feedback")
    if options.music is not None:
        _judge_music(report, _recordings(options.music))
    elif options.live:
        judge_live(report, options)
    else:
        _judge_rooms(report, options.duration)
        _judge_music(report, _made())
    return report.publish(options.json)


def _judge_rooms(report: Report, duration_s: float) -> None:
    """Every gain in every room, with the guard; without it where that tells something."""
    samples = band.scene(3, duration_s, RATE_HZ).mixture
    source = (samples * (_PEAK / np.abs(samples).max())).astype(np.float32)
    for gain_db in GAINS_DB:
        longest_s, left_db, highest_db = 0.0, -np.inf, -np.inf
        found: list[dict[str, float]] = []
        for seed, delay_s in enumerate(DELAYS_S):
            for reverberation in REVERBERATIONS:
                place = room(gain_db, delay_s, reverberation, seed)
                heard = in_the_loop(source, place, FeedbackGuard)
                howl_s, after_db, top_db = _howled(source, heard)
                longest_s, left_db = max(longest_s, howl_s), max(left_db, after_db)
                highest_db = max(highest_db, top_db)
                found.append(heard.told[-1])
                report.keep(
                    f"{gain_db:+.0f} dB, {1000 * delay_s:.0f} ms, {reverberation:g}",
                    {"howl_s": howl_s, "left_db": after_db, "top_dbfs": top_db, "told": found[-1]},
                )
        what = f"loop gain {gain_db:+.0f} dB, {len(found)} rooms"
        if gain_db > 0:
            bare = in_the_loop(source, room(gain_db, DELAYS_S[0], REVERBERATIONS[0], 0), None)
            howl_s, _, top_db = _howled(source, bare)
            report.note(f"{what}: without, one room", f"howls {howl_s:.1f} s, {top_db:.0f} dBFS")
        report.at_most(
            f"{what}: longest above the source by {HOWL_DB:.0f} dB", longest_s, MOST_HOWL_S, "s"
        )
        report.at_most(f"{what}: last 3 s above the source", left_db, MOST_LEFT_DB, "dB")
        report.note(f"{what}: loudest tenth of a second", f"{highest_db:.1f} dBFS")
        report.note(f"{what}: loop gain as found, at the end", _range(found, "loop_gain_db"))
        report.note(f"{what}: turned down, at the end", _range(found, "tamed_db"))


def _howled(source: Samples, heard: Heard) -> tuple[float, float, float]:
    """Seconds far above the source, decibels above it at the end, and the highest level."""
    here, there = levels_db(heard.microphone), levels_db(source[: len(heard.microphone)])
    is_far = here > there.max() + HOWL_DB
    return 0.1 * float(is_far.sum()), float(np.median(here[-30:] - there[-30:])), float(here.max())


def _range(found: Sequence[dict[str, float]], name: str) -> str:
    values = [told[name] for told in found if name in told]
    if not values:
        return "not heard"
    unheard = f", not heard in {len(found) - len(values)}" if len(values) < len(found) else ""
    return f"{min(values):.0f} to {max(values):.0f} dB{unheard}"


def _judge_music(report: Report, music: Iterator[tuple[str, Samples]]) -> None:
    """Guarded, with no speaker in it: is it the same to the last bit?"""
    heard_s, spent_s, loops, notches, pieces = 0.0, 0.0, 0, 0, 0
    tamed_s, touched = 0.0, []
    for name, samples in music:
        guard = FeedbackGuard(RATE_HZ)
        found = False
        pieces += 1
        for first in range(0, len(samples), _PIECE):
            piece = samples[first : first + _PIECE]
            mix = np.stack([piece, piece])
            start_s = time.process_time()
            guard.feed(mix, piece, 1.0, round(_TOLD_S * RATE_HZ))
            spent_s += time.process_time() - start_s
            now = guard.feedback
            tamed_s += len(piece) / RATE_HZ if now.tamed_db > 0 or now.notches else 0.0
            found = found or now.loop_gain_db is not None
        heard_s += len(samples) / RATE_HZ
        loops += found
        notches += guard.feedback.howls
        if found or guard.feedback.howls:
            touched.append(name)
    if not pieces:
        raise BenchmarkError("there is no music; name a folder with recordings: --music FOLDER")
    report.keep("taken for a loop, or notched", touched)
    what = f"{pieces} pieces of music without a speaker, {heard_s / 60:.1f} minutes"
    report.claim(f"{what}: tones taken for a howl", "0", str(notches), met=notches == 0)
    report.claim(f"{what}: taken for a loop", "0", str(loops), met=loops == 0)
    report.at_most(f"{what}: touched", tamed_s, 0.0, "s")
    report.at_most("cost, of a core", 100 * spent_s / heard_s, 100 * MOST_OF_A_CORE, "%")


def _made() -> Iterator[tuple[str, Samples]]:
    for seed in range(15):
        samples = band.scene(seed, 40.0, RATE_HZ).mixture
        yield f"band {seed}", (samples * (0.5 / np.abs(samples).max())).astype(np.float32)


def _recordings(folder: Path) -> Iterator[tuple[str, Samples]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".wav", ".mp3", ".ogg", ".flac"):
            continue
        samples = _read(path)
        if len(samples) >= 5 * RATE_HZ and samples.any():
            yield str(path.relative_to(folder)), samples * (0.5 / np.abs(samples).max())


def _read(path: Path) -> Samples:
    """The first minute, mono."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
        pieces: list[Samples] = [np.zeros(0, np.float32)]
        for frame in container.decode(audio=0):
            pieces += [made.to_ndarray()[0] for made in resampler.resample(frame)]
            if sum(map(len, pieces)) > _LONGEST_S * RATE_HZ:
                break
    return np.concatenate(pieces)


if __name__ == "__main__":
    command(main)
