"""A folder of media files, separated one after the other, each into a folder of its own."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from realtime.clock import NS_PER_S, Clock
from realtime.errors import UsageError
from realtime.options import Options
from realtime.page_options import BROWSER
from realtime.progress import clock_time
from realtime.reports import EXIT_DEVICE, EXIT_INTERRUPTED, EXIT_RAN, EXIT_USAGE
from realtime.screen import Screen
from realtime.sinks.session import is_whole, recorded_s, seal

# What may hold a moving picture. What holds sound alone has no object that could be seen.
ENDINGS = frozenset(
    [
        ".3gp",
        ".avi",
        ".flv",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".ogv",
        ".ts",
        ".webm",
        ".wmv",
    ]
)
UNFINISHED = ".part"  # at the end of a folder's name, until all of the file is in it

RunOne: TypeAlias = Callable[[Options, Screen], int]


@dataclass(slots=True)
class _Tally:
    """What has become of the files so far."""

    separated: int = 0
    sound_s: float = 0.0
    taken_s: float = 0.0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    exit_code: int = EXIT_RAN

    def fail(self, name: str, exit_code: int) -> None:
        self.failed.append(name)
        self.exit_code = self.exit_code or exit_code

    def lines(self) -> list[str]:
        speed = f", {self.sound_s / self.taken_s:.1f} x real time" if self.taken_s else ""
        parts = [f"{self.separated} separated ({clock_time(self.sound_s)} of sound{speed})"]
        if self.skipped:
            parts.append(f"{self.skipped} there already")
        if self.failed:
            parts.append(f"{len(self.failed)} failed: {', '.join(self.failed)}")
        return [", ".join(parts)]


def is_batch(options: Options) -> bool:
    """Whether a folder is to be separated."""
    source = options.input.source
    return source not in (None, BROWSER) and Path(str(source)).is_dir()


def separate_folder(options: Options, screen: Screen, clock: Clock, run_one: RunOne) -> int:
    """Run every media file of ``--source`` into a folder of ``--record``; go on after a broken one.

    A file is recorded into a folder ending in ``.part``, which gets its name once all is in it.
    What is whole from an earlier time is left as it is, and what is not is begun anew.

    Returns:
        0 when all files are separated; else what the first that failed would have given alone. 3
        and 130 end the batch: others would fare no better, or are not wanted.

    Raises:
        UsageError: what was asked for is not for folders, or there is no file in it.
    """
    given = _for_many(options)
    folder, record = Path(str(options.input.source)), Path(str(options.output.record))
    names = names_of(media_files(folder))
    if not names:
        endings = ", ".join(sorted(ENDINGS))
        raise UsageError(f"--source {folder} has no media file ({endings}); choose another folder")
    tally = _Tally()
    for number, (path, name) in enumerate(names.items(), start=1):
        target = record / name
        screen.say(f"{number} of {len(names)}: {path.name}")
        if is_whole(target, path.name):
            screen.say(f"{target} has it all already; remove it to have it separated again")
            tally.skipped += 1
            continue
        began_ns = clock.now_ns()
        exit_code = _one(given, path, target, screen, run_one)
        if exit_code == EXIT_RAN:
            tally.separated += 1
            tally.sound_s += recorded_s(target)
            tally.taken_s += (clock.now_ns() - began_ns) / NS_PER_S
            continue
        tally.fail(path.name, exit_code)
        if exit_code in (EXIT_DEVICE, EXIT_INTERRUPTED):
            tally.exit_code = exit_code
            break
    for line in tally.lines():
        screen.say(line)
    return tally.exit_code


def media_files(folder: Path) -> list[Path]:
    """The files of ``folder`` that may hold a moving picture, by name; hidden ones are none.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        found = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"--source {folder}: {error.strerror}; choose another folder") from error
    return [
        path
        for path in found
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    ]


def names_of(paths: Sequence[Path]) -> Mapping[Path, str]:
    """What each file's folder is called: without the ending, unless two would be the same."""
    stems = Counter(path.stem.lower() for path in paths)
    return {path: path.stem if stems[path.stem.lower()] == 1 else path.name for path in paths}


def _for_many(options: Options) -> Options:
    """The options as each file gets them: nobody looks at a window for each of many."""
    if options.run.pace != "fast" or options.output.record is None:
        raise UsageError("--source FOLDER separates all of its files; add --pace fast --record DIR")
    if options.output.profile is not None:
        raise UsageError("--profile is for one run; give --source a file")
    view = "none" if options.output.view == "auto" else options.output.view
    return dataclasses.replace(options, output=dataclasses.replace(options.output, view=view))


def _one(options: Options, path: Path, target: Path, screen: Screen, run_one: RunOne) -> int:
    """Separate one file; its folder has its name only if all of it is there."""
    if not path.is_file():
        screen.error(f"{path} is there no longer; run the same again to have the rest")
        return EXIT_USAGE
    if target.exists():
        screen.error(f"{target} is no whole recording of {path.name}; move it away")
        return EXIT_USAGE
    part = target.with_name(target.name + UNFINISHED)
    if (part / "session.json").is_file():  # of an earlier time, and of nobody else
        shutil.rmtree(part)
    given = dataclasses.replace(
        options,
        input=dataclasses.replace(options.input, source=str(path)),
        output=dataclasses.replace(options.output, record=str(part)),
    )
    exit_code = run_one(given, screen)
    if exit_code == EXIT_RAN:
        seal(part, path.name)
        part.rename(target)
    return exit_code
