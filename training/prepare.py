"""Turn videos into a data set in the MUSIC layout, for training and scoring on them.

    python -m training prepare --videos VIDEOS --out DATA
    python -m training prepare --videos VIDEOS --list MUSIC_solo_videos.json --out DATA

``VIDEOS`` holds ``<class>/<video>`` in any container that FFmpeg reads; with a list (MUSIC's own
JSON files) it may hold the videos anyhow, as long as their names are the listed ids or end in
``[id]``. Written are ``DATA/audio/<class>/<video>.flac`` (mono),
``DATA/frames/<class>/<video>/000001.jpg …``, ``DATA/train.csv`` and ``DATA/val.csv`` with the lines
``AUDIO_PATH,FRAMES_PATH,NUMBER_FRAMES``, and ``DATA/skipped.csv``. A video is in one of the two
only, under whatever classes it is listed; of each class of two videos or more, some are in either.
Started again, it goes on where it stopped: what is there is looked through, and what is broken, or
at another rate, is made again.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from pixelplayer.one_line import OneLineParser
from training.extract import ExtractError, Places, extract
from training.indices import Line, read_counts, write_indices
from training.outlive import Died, outlived
from training.paper import AUDIO, FRAMES_FPS, LEAST_S
from training.wanted import PrepareError, Wanted, find_videos, left_alone, read_list

_NAMED = 3  # of those that were broken
_KILLER = (
    "kills the process that decodes it, alone too: its data crash the decoder or take more memory "
    "than there is; convert it with another program"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of the wanted ones; reasons are by ``<class>/<video>``."""

    lines: Sequence[Line]  # the index
    skipped: Mapping[str, str]  # left out
    mended: Mapping[str, str]  # had been prepared before, was broken, and was made again


def prepare(
    wanted: Sequence[Wanted], out: Path, *, rate_hz: int, jobs: int, shortest_s: float = LEAST_S
) -> Prepared:
    """Extract what is not there yet, or broken, several at a time."""
    skipped = {
        f"{item.instrument}/{item.name}": item.reason for item in wanted if item.path is None
    }
    mended: dict[str, str] = {}
    lines: list[Line] = []
    listed = read_counts(out)
    tasks = [
        _Task(item.path, _places(out, item), item, rate_hz, listed.get(_key(item)))
        for item in wanted
        if item.path is not None
    ]
    with (
        closing(outlived(_one, tasks, jobs)) as finished,
        tqdm(total=len(tasks), unit="video", disable=None) as progress,
    ):
        for task, result in finished:
            name, places = f"{task.item.instrument}/{task.item.name}", task.places
            if isinstance(result, Died):
                places.remove_parts()
            fault, reason = ("", _KILLER) if isinstance(result, Died) else result
            if reason:
                skipped[name] = f"{reason} (before: {fault})" if fault else reason
            elif places.frame_count < shortest_s * FRAMES_FPS:
                skipped[name] = f"shorter than {shortest_s:g} s"
            else:
                lines.append(
                    Line(
                        name=task.item.name,
                        audio=places.audio,
                        frames=places.frames,
                        frame_count=places.frame_count,
                    )
                )
            if fault and not reason:
                mended[name] = fault
            progress.update()
    lines.sort(key=lambda line: line.audio)
    return Prepared(lines=lines, skipped=skipped, mended=mended)


@dataclass(frozen=True, slots=True)
class _Task:
    """One video for another process."""

    video: Path
    places: Places
    item: Wanted
    rate_hz: int
    listed: int | None  # pictures, as an index counts them


def _one(task: _Task) -> tuple[str, str]:
    """Extract one video unless it is there.

    Returns:
        What was wrong with what was there, and the reason why it cannot be extracted; both may be
        empty.
    """
    fault = ""
    if task.places.are_there:
        fault = task.places.fault(task.rate_hz, task.listed)
        if not fault:
            return "", ""
    try:
        extract(task.video, task.places, rate_hz=task.rate_hz)
    except ExtractError as error:
        return fault, str(error)
    return fault, ""


def _key(item: Wanted) -> tuple[str, str]:
    return item.instrument, item.name


def _told(mended: Mapping[str, str]) -> str:
    """In one line: the first few, and what was wrong with them."""
    first = [f"{name} ({fault})" for name, fault in sorted(mended.items())[:_NAMED]]
    more = ["…"] if len(mended) > _NAMED else []
    return f"{len(mended)} broken, and made again: {', '.join(first + more)}"


def _places(out: Path, item: Wanted) -> Places:
    return Places(
        audio=out / "audio" / item.instrument / f"{item.name}.flac",
        frames=out / "frames" / item.instrument / item.name,
    )


def _at_least_one(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {number}")
    return number


def _percent(text: str) -> int:
    if not 0 <= (number := int(text)) <= 100:
        raise argparse.ArgumentTypeError(f"expected 0 to 100, got {number}")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 if there is nothing to do; 3 if the disk does not take it; 130 if stopped."""
    parser = OneLineParser(prog="training prepare", description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, metavar="DIR")
    parser.add_argument("--list", type=Path, metavar="JSON", help="one of MUSIC's lists")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rate", type=_at_least_one, default=AUDIO.rate_hz, metavar="HZ")
    parser.add_argument("--jobs", type=_at_least_one, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument(
        "--val", type=_percent, default=20, metavar="PERCENT", help="of each class, kept out (20)"
    )
    parser.add_argument(
        "--shortest",
        type=float,
        default=LEAST_S,
        metavar="S",
        help=f"videos shorter than this are left out ({LEAST_S:g} s)",
    )
    options = parser.parse_args(arguments)
    try:
        listed = read_list(options.list) if options.list else None
        found = find_videos(options.videos, listed, options.out)
        options.out.mkdir(parents=True, exist_ok=True)
        prepared = prepare(
            found.wanted,
            options.out,
            rate_hz=options.rate,
            jobs=options.jobs,
            shortest_s=options.shortest,
        )
        skipped = sorted(prepared.skipped.items())
        with (options.out / "skipped.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(skipped)
        train, val = write_indices(options.out, prepared.lines, options.val)
    except PrepareError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"error: {options.out}: {error}; what is finished is kept: make room and start again",
            file=sys.stderr,
        )
        return 3
    except KeyboardInterrupt:
        print("stopped; what is finished is kept: the same command goes on", file=sys.stderr)
        return 130
    if found.others:
        print(left_alone(found.others))
    if prepared.mended:
        print(_told(prepared.mended))
    print(f"{train} videos to learn from, {val} kept out, {len(skipped)} left out:")
    for name, reason in skipped:
        print(f"  {name}: {reason}")
    if not prepared.lines:
        print("error: no video can be used", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
