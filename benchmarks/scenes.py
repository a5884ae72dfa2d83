"""Two instruments side by side, from sounds and photographs that no training has seen.

python -m benchmarks.scenes --data DATA --cache CACHE --count 40
"""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.held_out import (
    FPS,
    RATE_HZ,
    HeldOutScene,
    HeldOutScenes,
    add_data_options,
)
from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import write_scene
from benchmarks.scoring import StemScore, match_streams
from benchmarks.session_run import (
    RunError,
    Session,
    add_options,
    model_arguments,
    quiet,
    run_session,
    working_folder,
)
from pixelplayer.metrics import overlap

LEAST_NSDR_DB = 5.0
LEAST_RIGHT_PERCENT = 85.0
LEAST_OVERLAP = 0.4
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneResult:
    """What became of one scene. ``scores``, ``is_right`` and ``overlaps`` go with ``labels``."""

    number: int
    labels: tuple[str, ...]
    scores: tuple[StemScore, ...]
    is_right: tuple[bool, ...]  # whether the stream's centroid is in its instrument's half
    overlaps: tuple[float, ...]  # of the object's box and its instrument's; 0 where none is found
    objects: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the scenes, run each, score, print."""
    parser = command_line(__doc__)
    add_options(parser)
    add_data_options(parser, required=True)
    parser.add_argument("--count", type=int, default=40, metavar="N", help="scenes (default: 40)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first")
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="scenes at a time")
    parser.add_argument("--objects", default="auto", metavar="auto|N", help="as run_live.py's")
    options = parser.parse_args(arguments)
    scenes = HeldOutScenes(options.data, options.cache, options.seed, options.phrase_share)
    with working_folder(options.keep) as folder, ThreadPoolExecutor(options.jobs) as pool:
        run = partial(
            _run,
            scenes=scenes,
            folder=folder,
            arguments=[*model_arguments(options), "--objects", options.objects],
            is_kept=options.keep is not None,
        )
        numbers = range(options.first, options.first + options.count)
        results = list(pool.map(run, numbers))
    report = Report("held-out scenes")
    judge(report, [result for result in results if result is not None], options.count)
    report.keep("classes", scenes.classes)
    return report.publish(options.json)


def judge(report: Report, results: Sequence[SceneResult], count: int) -> None:
    """Sum up; scenes that did not run count as missed."""
    scores = [score for result in results for score in result.scores]
    rights = [right for result in results for right in result.is_right]
    report.claim("scenes that ran", f"{count}", f"{len(results)}", met=len(results) == count)
    if not results:
        return
    report.at_least("mean NSDR", _mean([s.nsdr_db for s in scores]), LEAST_NSDR_DB, "dB")
    report.at_least("place right", 100 * _mean(rights), LEAST_RIGHT_PERCENT, "%")
    overlaps = [overlap for result in results for overlap in result.overlaps]
    report.at_least("overlap of the boxes (IoU)", _mean(overlaps), LEAST_OVERLAP, "")
    report.note("median NSDR", f"{np.median([s.nsdr_db for s in scores]):.2f} dB")
    report.note(
        "mean SDR, SIR, SAR",
        f"{_mean([s.sdr_db for s in scores]):.2f}, {_mean([s.sir_db for s in scores]):.2f}, "
        f"{_mean([s.sar_db for s in scores]):.2f} dB",
    )
    both = sum(all(score.stream is not None for score in result.scores) for result in results)
    both_right = sum(
        all(score.stream is not None for score in result.scores) and all(result.is_right)
        for result in results
    )
    report.note("scenes with two objects or more", f"{both} of {len(results)}")
    report.note("scenes with both in their places", f"{both_right} of {len(results)}")
    report.note("objects per scene", f"{_mean([result.objects for result in results]):.2f}")
    by_class: dict[str, list[float]] = defaultdict(list)
    for result in results:
        for label, score in zip(result.labels, result.scores, strict=True):
            by_class[label].append(score.nsdr_db)
    report.keep("mean_nsdr_db_by_class", {name: _mean(v) for name, v in sorted(by_class.items())})
    report.keep("scenes", [asdict(result) for result in results])


def place_is_right(
    scene: HeldOutScene, session: Session, scores: Sequence[StemScore]
) -> list[bool]:
    """For each stem, whether the object that it was matched with stands in its half."""
    return [
        score.stream is not None and (session.objects[score.stream].centroid[0] < 0.5) == is_left
        for is_left, score in zip(scene.are_left, scores, strict=True)
    ]


def overlaps_of(scene: HeldOutScene, session: Session, scores: Sequence[StemScore]) -> list[float]:
    """For each stem, the intersection over union of its instrument's box and its object's."""
    return [
        0.0 if score.stream is None else overlap(box, session.objects[score.stream].box)
        for box, score in zip(scene.boxes, scores, strict=True)
    ]


def _run(
    number: int, *, scenes: HeldOutScenes, folder: Path, arguments: Sequence[str], is_kept: bool
) -> SceneResult | None:
    own = folder / f"scene-{number:03d}"
    own.mkdir()
    scene = scenes.scene(number)
    write_scene(own / "scene.mkv", scene.pictures(), FPS, scene.mixture, RATE_HZ)
    line = quiet(["--source", str((own / "scene.mkv").resolve()), "--pace", "fast", *arguments])
    try:
        session = run_session(line, own, _TIMEOUT_S)
    except RunError as error:
        print(f"scene {number} ({', '.join(scene.labels)}): {error}", file=sys.stderr, flush=True)
        return None
    scores = match_streams(scene.stems, session.streams_of(len(scene.mixture)), scene.mixture)
    if not is_kept:
        shutil.rmtree(own)
    result = SceneResult(
        number=number,
        labels=scene.labels,
        scores=scores,
        is_right=tuple(place_is_right(scene, session, scores)),
        overlaps=tuple(overlaps_of(scene, session, scores)),
        objects=len(session.objects),
    )
    told = ", ".join(
        f"{label} {score.nsdr_db:+.1f} dB {'right' if right else 'wrong'}"
        for label, score, right in zip(result.labels, scores, result.is_right, strict=True)
    )
    print(f"scene {number}: {told}", file=sys.stderr, flush=True)
    return result


def _mean(values: Sequence[float]) -> float:
    """Of those that are finite."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else float("nan")


if __name__ == "__main__":
    command(main)
