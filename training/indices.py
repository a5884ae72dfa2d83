"""``train.csv`` and ``val.csv`` of prepared videos: who is on which side, and what was before."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LEARNED, _KEPT_OUT = "train.csv", "val.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an index."""

    name: str
    audio: Path  # …/<class>/<name>.flac
    frames: Path  # …/<class>/<name>
    frame_count: int


def read_counts(out: Path) -> dict[tuple[str, str], int]:
    """Pictures of each video by class and name, as the indices of the run before count them."""
    return {key: count for index in (_LEARNED, _KEPT_OUT) for key, count in _read(out / index)}


def write_indices(out: Path, lines: Sequence[Line], percent: int) -> tuple[int, int]:
    """Write the two indices.

    Returns:
        How many videos are to learn from, and how many are kept out.
    """
    before = [{name for (_, name), _ in _read(out / index)} for index in (_LEARNED, _KEPT_OUT)]
    of_class: dict[str, set[str]] = {}
    for line in lines:
        of_class.setdefault(line.audio.parent.name, set()).add(line.name)
    out_names = kept_out(of_class, percent, learned_before=before[0], kept_out_before=before[1])
    sides: dict[str, list[Line]] = {_LEARNED: [], _KEPT_OUT: []}
    for line in lines:
        sides[_KEPT_OUT if line.name in out_names else _LEARNED].append(line)
    for name, side in sides.items():
        part = out / f"{name}.part"
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerows((line.audio, line.frames, line.frame_count) for line in side)
    for name in sides:  # as near together as can be: they are one split
        (out / f"{name}.part").replace(out / name)
    return len(sides[_LEARNED]), len(sides[_KEPT_OUT])


def kept_out(
    of_class: Mapping[str, Collection[str]],
    percent: int,
    *,
    learned_before: Collection[str] = (),
    kept_out_before: Collection[str] = (),
) -> set[str]:
    """Which videos are kept out: of each class ``percent``, but one at least, and not all.

    First those that were before, then those that are new, in the order of a hash of their names;
    what was learned from comes last, so that as a rule it stays where it was. A video of several
    classes counts in each of them, and is decided in the smallest. A class of one video is learned.

    Args:
        of_class: names of videos by class.
        percent: 0..100; 0 and 100 are for all.
        learned_before, kept_out_before: what the indices said so far.
    """

    def order(name: str) -> tuple[bool, bool, bytes]:
        digest = hashlib.sha256(name.encode()).digest()
        return name not in kept_out_before, name in learned_before, digest

    decided: set[str] = set()
    out: set[str] = set()
    for _, names in sorted(of_class.items(), key=lambda item: (len(item[1]), item[0])):
        wanted = round(len(names) * percent / 100)
        if 0 < percent < 100:
            wanted = min(max(wanted, 1), len(names) - 1)
        free = sorted({*names} - decided, key=order)
        out |= {*free[: max(0, wanted - len(out & {*names}))]}
        decided |= {*names}
    return out


def _read(index: Path) -> list[tuple[tuple[str, str], int]]:
    """Class, name and pictures of each line; nothing of what is not there or broken."""
    try:
        lines = list(csv.reader(index.read_text("utf-8").splitlines()))
        return [
            ((Path(frames).parent.name, Path(frames).name), int(count))
            for _, frames, count in lines
        ]
    except (OSError, ValueError):  # it is written anew
        return []
