"""A file at real pace, each network in its own process: does everything keep up, and stay so?

python -m benchmarks.realtime --duration 60
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.process_tree import Sample, TreeWatch, trend
from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import write_scene
from benchmarks.session_run import (
    Session,
    add_options,
    live_run,
    model_arguments,
    quiet,
    read_session,
    working_folder,
)
from benchmarks.traces import steps
from pixelplayer import band

LEAST_UPDATES_PER_S = 10.0
MOST_GROWTH_MB_PER_MINUTE = 6.0  # the allocators' own unrest is about half of that
SETTLED_AFTER_S = 10.0
_RATE_HZ, _HEIGHT_PX, _WIDTH_PX = 44_100, 360, 640
_SCENE_S = 10.0  # is repeated
_LATE_S = 2.0  # of the end: flushing and leaving
_OPENING_S = 60.0
_WRONG = 1e-3  # a sample further off than this is not the source's


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the film, play it at real pace while looking at the processes, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=60.0, metavar="S")
    options = parser.parse_args(arguments)
    if options.duration < SETTLED_AFTER_S + 2 * _LATE_S:
        parser.error(f"--duration must be {SETTLED_AFTER_S + 2 * _LATE_S:.0f} s or more")
    with working_folder(options.keep) as folder:
        film, trace = folder.resolve() / "film.mkv", folder.resolve() / "trace.json"
        mixture = write_film(film, options.duration)
        line = ["--source", str(film), "--place", "processes", "--profile", str(trace)]
        with live_run([*quiet(line), *model_arguments(options)], folder / "live") as run:
            watch = TreeWatch(run.pid)
            ended_s = run.wait(options.duration + _OPENING_S)
            watch.stop()
            session = read_session(run.record)
        report = Report(f"live, {options.duration:.0f} s at real pace")
        report.keep("session", session.facts)
        taken = steps(trace, ("hearing", "separator", "sight"))
        judge_updates(report, taken["hearing"].starts_s, taken["separator"].starts_s)
        judge_overlap(report, taken["hearing"].spans_s, taken["sight"].spans_s)
        judge_gaps(report, session, mixture)
    settled_s = (ended_s - options.duration + SETTLED_AFTER_S, ended_s - _LATE_S)
    judge_memory(report, [s for s in watch.samples if settled_s[0] <= s.at_s <= settled_s[1]])
    report.keep("memory", [(s.at_s - settled_s[0], s.rss_mb, s.cpu_s) for s in watch.samples])
    return report.publish(options.json)


def write_film(path: Path, duration_s: float) -> np.ndarray:
    """A duet of the virtual band; its sound ``(n,)`` float32."""
    scene = band.scene(7, min(_SCENE_S, duration_s), _RATE_HZ)
    length = round(duration_s * _RATE_HZ)
    mixture = np.take(scene.mixture, np.arange(length), mode="wrap")
    pictures = (
        scene.frame(index / scene.fps, _HEIGHT_PX, _WIDTH_PX)
        for index in range(round(duration_s * scene.fps))
    )
    write_scene(path, pictures, scene.fps, mixture, _RATE_HZ, video_codec="libx264")
    return mixture


def judge_overlap(report: Report, heard_s: np.ndarray, seen_s: np.ndarray) -> None:
    """Whether sight and hearing work at the same time; ``(n, 2)`` seconds, sorted.

    Were they to wait for each other it would be 0; where they do not, each is as often busy while
    the other is as at any time.
    """
    if not len(heard_s) or not len(seen_s):
        return
    whole_s = heard_s[-1, 1] - heard_s[0, 0]
    busy = float(np.diff(seen_s).sum()) / whole_s
    told = f"{overlap(heard_s, seen_s):.0%}, sight being busy for {busy:.0%} of all time"
    report.note("of hearing's busy time, sight is busy too for", told)


def overlap(steps: np.ndarray, others: np.ndarray) -> float:
    """The part of ``steps`` ``(n, 2)`` in which one of ``others`` goes on; neither has overlaps."""
    borders = np.concatenate([[0.0], np.cumsum(np.diff(others)[:, 0])])

    def busy_until(instants: np.ndarray) -> np.ndarray:
        place = np.searchsorted(others[:, 0], instants, side="right")
        last = others[np.maximum(place - 1, 0)]
        unfinished = np.where(place > 0, np.maximum(last[:, 1] - instants, 0.0), 0.0)
        return borders[place] - unfinished

    shared = busy_until(steps[:, 1]) - busy_until(steps[:, 0])
    return float(shared.sum() / np.diff(steps).sum())


def judge_updates(report: Report, heard_s: np.ndarray, separated_s: np.ndarray) -> None:
    """Masks are new when hearing has made features, and used when the separator has them."""
    report.at_least("mask updates", rate_hz(heard_s), LEAST_UPDATES_PER_S, "/s")
    report.note("separator steps", f"{rate_hz(separated_s):.2f} /s")
    if heard_s.size > 1:
        report.note("longest time between updates", f"{1000 * np.diff(heard_s).max():.0f} ms")
        report.keep("update_gaps_ms", np.percentile(1000 * np.diff(heard_s), [50, 90, 99, 100]))


def rate_hz(starts_s: np.ndarray) -> float:
    """Events per second between the first and the last."""
    if starts_s.size < 2:
        return 0.0
    return float((starts_s.size - 1) / (starts_s[-1] - starts_s[0]))


def judge_gaps(report: Report, session: Session, mixture: np.ndarray) -> None:
    """What was dropped by the counters, and what differs by comparison with the source."""
    dropped = session.facts["dropped"]
    report.at_most("audio samples dropped", dropped["audio_samples"], 0, "")
    length = min(len(mixture), len(session.mixture))
    wrong = int((np.abs(session.sum[:length] - mixture[:length]) > _WRONG).sum())
    report.at_most("samples that are not the source's", wrong, 0, "")
    lengths = (len(mixture), len(session.mixture))
    report.claim("length", f"{lengths[0]} samples", f"{lengths[1]}", met=lengths[0] == lengths[1])
    report.note("pictures skipped", f"{dropped['video_frames']}")


def judge_memory(report: Report, samples: Sequence[Sample]) -> None:
    """Resident memory and processor time of all processes, once settled."""
    times_s = [sample.at_s for sample in samples]
    memory = trend(times_s, [sample.rss_mb for sample in samples])
    what = f"memory's growth after {SETTLED_AFTER_S:.0f} s"
    report.at_most(what, memory.per_minute, MOST_GROWTH_MB_PER_MINUTE, "MB/min")
    report.note("memory, mean and spread", f"{memory.mean:.0f} MB, {memory.spread:.1f} MB")
    cpu_s = samples[-1].cpu_s - samples[0].cpu_s
    report.note("processor time", f"{cpu_s / (times_s[-1] - times_s[0]):.2f} s per second of sound")
    report.note("processes", f"{max(sample.processes for sample in samples)}")


if __name__ == "__main__":
    command(main)
