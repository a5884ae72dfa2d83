"""Which videos of a folder are to be prepared, of which classes."""

from __future__ import annotations

import json
import mimetypes
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What `mimetypes` does not call a video everywhere: its list is that of the system it runs on.
_MORE_SUFFIXES = (
    ".3g2 .3gp .amv .asf .avi .divx .dv .f4v .flv .h264 .ivf .m2t .m2ts .m2v .m4v .mjpeg .mk3d "
    ".mkv .mod .mov .mp4 .mpeg .mpg .mts .mxf .nut .ogm .ogv .ogx .qt .rm .rmvb .tod .ts .vob "
    ".webm .wmv .wtv .y4m"
)
_MADE = ("audio", "frames", "train.csv", "val.csv", "skipped.csv")  # of what is prepared
_NAMED_SUFFIXES = 5  # of files that are no videos


class PrepareError(Exception):
    """There is nothing to do; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One video of one class; ``path`` None when it is left out, and ``reason`` says why."""

    instrument: str
    name: str
    path: Path | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a folder holds."""

    wanted: Sequence[Wanted]  # in order
    others: Sequence[Path]  # files that are left alone: no videos by their names, or not listed


def is_video(path: Path) -> bool:
    """Whether the name is one of a video. What it holds, the decoder says later."""
    suffix = path.suffix.lower()
    kind, _ = mimetypes.guess_type(f"video{suffix}")
    return suffix in _MORE_SUFFIXES.split() or (kind or "").startswith("video/")


def find_videos(
    folder: Path, listed: Mapping[str, Sequence[str]] | None, out: Path | None = None
) -> Found:
    """What is to be prepared, and what is left alone.

    Args:
        folder: looked through, with the folders in it.
        listed: ids by class; None takes all videos.
        out: what is in it is the work of a run before, if it lies in the folder.

    Raises:
        PrepareError: there is no video at all.
    """
    kept = [out.resolve() / part for part in _MADE] if out else []
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(path.resolve().is_relative_to(part) for part in kept)
    )
    paths = [path for path in files if is_video(path)]
    if not paths:
        raise PrepareError(
            f"{folder} holds no video; expected {folder}/<class>/<video>.mp4 (or another "
            f"container){'; ' + left_alone(files) if files else ''}"
        )
    if listed is None:
        return Found(wanted=_each_once(paths, folder), others=sorted({*files} - {*paths}))
    by_id = {video_id(path.stem): path for path in paths}
    wanted = [
        Wanted(
            instrument=instrument.replace(" ", "+"),
            name=name,
            path=by_id.get(name),
            reason="" if name in by_id else "not downloaded",
        )
        for instrument, names in listed.items()
        for name in dict.fromkeys(names)
    ]
    return Found(wanted=wanted, others=sorted({*files} - {item.path for item in wanted}))


def left_alone(others: Sequence[Path]) -> str:
    """In one line: how many, by the ends of their names."""
    counts = Counter(path.suffix.lower() or "no suffix" for path in others).most_common()
    named = [f"{count} {suffix}" for suffix, count in counts[:_NAMED_SUFFIXES]]
    more = ["…"] if len(counts) > _NAMED_SUFFIXES else []
    files = "1 other file" if len(others) == 1 else f"{len(others)} other files"
    return f"{files} left alone ({', '.join(named + more)})"


def _each_once(paths: Iterable[Path], folder: Path) -> list[Wanted]:
    """Of videos that would be kept under one name, as in two containers, the first."""
    first: dict[tuple[str, str], Path] = {}
    wanted = []
    for path in paths:
        instrument = _class_of(path, folder)
        taken = first.setdefault((instrument, path.stem), path)
        if taken == path:
            wanted.append(Wanted(instrument=instrument, name=path.stem, path=path))
        else:
            reason = f"same name as {taken.relative_to(folder)}"
            wanted.append(Wanted(instrument=instrument, name=path.name, path=None, reason=reason))
    return wanted


def video_id(stem: str) -> str:
    """The id in a file's name: what stands in brackets at its end, else all of it."""
    found = re.search(r"\[([\w-]+)\]$", stem)
    return found.group(1) if found else stem


def read_list(path: Path) -> dict[str, list[str]]:
    """The classes and ids of one of MUSIC's JSON files.

    Raises:
        PrepareError: it is not of that form.
    """
    try:
        videos = json.loads(path.read_text(encoding="utf-8"))["videos"]
        listed = {str(key): [str(name) for name in names] for key, names in videos.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PrepareError(
            f"{path} is no list of videos ({error}); expected "
            '{"videos": {"<class>": ["<id>", …]}} as in MUSIC_solo_videos.json'
        ) from error
    return listed


def _class_of(path: Path, folder: Path) -> str:
    return path.parent.name if path.parent != folder else "unnamed"
