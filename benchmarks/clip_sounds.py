"""A real clip's pictures with sounds whose stems are known: who plays what is then a number.

A real duet has no true stems to compare with. So real performances that no training has heard, one
by each of the clip's instruments, take the place of its sound. A shot is shown to and fro, so that
it is long enough; it must show all of them.

    python -m benchmarks.clip_sounds CLIP.mp4 --shot 6 --players acoustic_guitar violin \
        --data D --cache C
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.held_out import RATE_HZ, add_data_options, solo_at_level
from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import Picture, write_scene
from benchmarks.scoring import StemScore, match_streams
from benchmarks.session_run import (
    add_options,
    model_arguments,
    quiet,
    run_session,
    working_folder,
)
from training.bank import open_bank
from training.solos import SoloMaker

LEAST_NSDR_DB = 6.0  # as is asked of real performances with photographs
_TIMEOUT_S = 600.0
_MIXTURE_PEAK = 0.9


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the pictures, put sounds to them, run each, score, print."""
    options = options_parser().parse_args(arguments)
    pictures, fps = filmed(options.clip, options.shot)
    shown = to_and_fro(pictures, round(options.duration * fps))
    bank = open_bank(options.data / "solo_audio", options.cache, RATE_HZ)
    solos = SoloMaker(bank, held_out=True, phrase_share=options.phrase_share)
    scores: list[tuple[StemScore, ...]] = []
    with working_folder(options.keep) as folder:
        for number in range(options.count):
            rng = np.random.default_rng([options.seed, number])
            stems = duet(solos, options.players, options.duration, rng)
            mixture = stems.sum(axis=0, dtype=np.float32)
            scene = folder / f"sounds-{number:02d}.mkv"
            write_scene(scene, shown, fps, mixture, RATE_HZ, video_codec="libx264")
            line = quiet(["--source", str(scene.resolve()), "--pace", "fast"])
            own = folder / f"session-{number:02d}"
            session = run_session([*line, *model_arguments(options)], own, _TIMEOUT_S)
            scores.append(match_streams(stems, session.streams_of(len(mixture)), mixture))
    report = Report(f"{options.clip.name} with other sounds")
    judge(report, options.players, scores)
    return report.publish(options.json)


def options_parser() -> argparse.ArgumentParser:
    """What the command takes."""
    parser = command_line(__doc__)
    add_options(parser)
    add_data_options(parser, required=True)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--players", nargs="+", required=True, metavar="CLASS", help="who is seen")
    parser.add_argument(
        "--shot", type=float, default=math.inf, metavar="S", help="of the clip: its first shot"
    )
    parser.add_argument("--duration", type=float, default=16.0, metavar="S", help="of a scene")
    parser.add_argument("--count", type=int, default=10, metavar="N", help="pairs of sounds")
    parser.add_argument("--seed", type=int, default=2018)
    parser.set_defaults(phrase_share=1.0)
    return parser


def filmed(path: Path, until_s: float) -> tuple[list[Picture], int]:
    """The pictures before ``until_s``, BGR, with even sides, and how many there are a second."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        fps = round(float(video.average_rate or 25))
        pictures = [
            frame.to_ndarray(format="bgr24")
            for frame in container.decode(video)
            if float(frame.time or 0.0) < until_s
        ]
    height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
    return [picture[:height, :width] for picture in pictures], fps


def to_and_fro(pictures: Sequence[Picture], count: int) -> list[Picture]:
    """``count`` pictures: forwards, backwards, and so on, without a jump."""
    last = len(pictures) - 1
    return [pictures[last - abs(number % (2 * last) - last)] for number in range(count)]


def duet(
    solos: SoloMaker, players: Sequence[str], duration_s: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A stem for each player, ``(players, n)`` float32, at about one level."""
    stems = np.stack([solo_at_level(solos, name, duration_s, rng) for name in players])
    loud: NDArray[np.float32] = stems * (_MIXTURE_PEAK / np.abs(stems.sum(axis=0)).max())
    return loud.astype(np.float32)


def judge(report: Report, players: Sequence[str], scores: Sequence[tuple[StemScore, ...]]) -> None:
    """Means over all, and of each player."""
    each = [score for scene in scores for score in scene]
    report.at_least("mean NSDR", float(np.mean([s.nsdr_db for s in each])), LEAST_NSDR_DB, "dB")
    report.note("median NSDR", f"{np.median([s.nsdr_db for s in each]):.2f} dB")
    for place, name in enumerate(players):
        own = float(np.mean([scene[place].nsdr_db for scene in scores]))
        report.note(f"… {name}", f"{own:.2f} dB")
    heard = sum(score.stream is not None for score in each)
    report.note("players with a stream of their own", f"{heard} of {len(each)}")
    report.keep("nsdr_db", [[score.nsdr_db for score in scene] for scene in scores])


if __name__ == "__main__":
    command(main)
