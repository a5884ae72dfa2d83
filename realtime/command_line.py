"""Options from the command line and from TOML files, by one table (`option_table.py`)."""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from realtime.errors import UsageError
from realtime.option_table import GROUPS
from realtime.options import NONE, Options
from realtime.page_options import BROWSER
from realtime.page_options import check as check_page
from realtime.remote.placing import read_places
from realtime.small_file import read_small

# The standard library has it from Python 3.11 on; before, the package tomli is the same.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

_MOST_CONFIG_BYTES = 64 * 1024
_LARGEST_INTEGER = 2**63

_ROWS = MappingProxyType({key: row for group in GROUPS.values() for key, row in group.items()})
_ACTIONS = MappingProxyType(
    {
        "list-devices": "show cameras, microphones and speakers",
        "doctor": "show what is missing, and what mends it (exit code 3 where not even "
        "--demo can run)",
    }
)


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; run with --help")


def parser() -> argparse.ArgumentParser:
    """The command line; every option is absent unless given."""
    made = _Parser(
        prog="run_live.py",
        description="Hear each sounding object on its own, live, and see where it sounds.",
        epilog="exit codes: 0 ran; 2 wrong use; 3 a device or library is missing; 130 interrupted",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for title, rows in GROUPS.items():
        group = made.add_argument_group(title)
        for key, row in rows.items():
            if row.metavar is None:
                group.add_argument(f"--{key}", action="store_true", help=row.help)
            else:
                values = f" ({', '.join(row.choices)})" if row.choices else ""
                group.add_argument(f"--{key}", metavar=row.metavar, help=row.help + values)
    group = made.add_argument_group("other")
    group.add_argument(
        "--config", metavar="FILE.toml", help="any of the above; the command line wins"
    )
    for key, text in _ACTIONS.items():
        group.add_argument(f"--{key}", action="store_true", help=text)
    return made


def words_of(key: str) -> tuple[str, ...]:
    """The words that an option may be, all of them or beside other values."""
    return (_ROWS[key].choices or _ROWS[key].words) if key in _ROWS else ()


def parse(arguments: Sequence[str]) -> Options:
    """Options from a command line, and from the file that it names.

    Raises:
        UsageError: an option, a value or the file is wrong, or two options contradict.
        SystemExit: after ``--help``.
    """
    known, unknown = parser().parse_known_args(arguments)
    if unknown:
        raise UsageError(f"unknown option {unknown[0]}{_nearest(unknown[0])}; run with --help")
    given = {key.replace("_", "-"): value for key, value in vars(known).items()}
    actions = [action for action in ("list-devices", "doctor") if given.pop(action, False)]
    config = given.pop("config", None)
    values = {key: _value(f"--{key}", key, value) for key, value in given.items()}
    if config is not None:
        values = _merged(_config(Path(config)), values)
    return _checked(_built("run" if not actions else actions[0], values))


def _config(path: Path) -> dict[str, object]:
    """The values of a TOML file, by option."""
    try:
        found = _toml.loads(read_small(path, _MOST_CONFIG_BYTES, "--config"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--config {path}: {error}") from error
    for key in found:
        if key not in _ROWS:
            raise UsageError(f"{path}: unknown key {key!r}{_nearest(key)}; run with --help")
    return {key: _value(f"{path}: {key}", key, value) for key, value in found.items()}


def _value(name: str, key: str, value: object) -> object:
    row = _ROWS[key]
    if row.metavar is None:
        if isinstance(value, bool):
            return value
        raise UsageError(f"{name}: wanted true or false, got {value!r}")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{name}: wanted {row.metavar}, got {value!r}")
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        raise UsageError(f"{name}: wanted {row.metavar}, got a number of far too many digits")
    text = str(value)
    if row.choices and text not in row.choices:
        near = _nearest(text, row.choices)
        raise UsageError(f"{name}: {text!r} is none of {', '.join(row.choices)}{near}")
    try:
        return row.parse(text)
    except UsageError:
        raise
    except ValueError:
        wanted = row.wanted or row.metavar
        raise UsageError(f"{name}: wanted {wanted}, got {text!r}; run with --help") from None


def _nearest(word: str, among: Sequence[str] | None = None) -> str:
    """``, did you mean ...?`` where something is near."""
    dashes = "--" if word.startswith("--") else ""
    names = among or (*_ROWS, *_ACTIONS, "config")
    found = difflib.get_close_matches(word.removeprefix("--").partition("=")[0], names, 1)
    return f", did you mean {dashes}{found[0]}?" if found else ""


def _merged(config: Mapping[str, object], line: Mapping[str, object]) -> dict[str, object]:
    """The command line wins; a different kind of input replaces the file's."""
    inputs = {key for key, row in _ROWS.items() if row.place.startswith("input.")}
    dropped: set[str] = set()
    if line.keys() & {"demo", "source"}:
        dropped = inputs
    elif line.keys() & inputs:
        dropped = {"demo", "source"}
    kept = {key: value for key, value in config.items() if key not in dropped}
    return {**kept, **line}


def _built(action: str, values: Mapping[str, object]) -> Options:
    plain = Options().to_plain()
    plain["action"] = action
    for key, value in values.items():
        section, _, name = _ROWS[key].place.partition(".")
        plain[section][name] = value
    return Options.from_plain(plain)


def _checked(options: Options) -> Options:
    """Raise UsageError for what contradicts itself."""
    given = options.input
    kinds = [given.demo, given.source is not None, bool(given.video or given.audio)]
    if sum(kinds) > 1:
        raise UsageError("choose one of --demo, --source, or --video with --audio")
    if given.audio == NONE and given.video == NONE:
        raise UsageError("--video none and --audio none leave nothing; leave one of them out")
    if given.audio == NONE:
        raise UsageError("--audio none leaves nothing to separate; leave it out")
    if options.output.tap != Options().output.tap and options.output.outputs is None:
        raise UsageError(f"--tap {options.output.tap} is for --outputs; add --outputs tcp:9000")
    check_page(options.page)
    view = options.output.view
    if view not in ("auto", "web"):
        if given.source == BROWSER:
            raise UsageError(
                f"--source {BROWSER} comes by way of the page; leave --view {view} out"
            )
        if options.page.is_asked_for:
            raise UsageError(f"--view {view} has no page; leave it out, or all of --web-... out")
    if options.run.pace == "fast":
        _check_fast(options)
    return options


def _check_fast(options: Options) -> None:
    given = options.input
    if given.demo and options.run.duration_s is None:
        raise UsageError("--demo has no end; with --pace fast give --duration too")
    if not (given.demo or given.source or (given.audio and given.video)):
        raise UsageError("--pace fast is for files; give --source FILE or --demo")
    if given.source == BROWSER:
        raise UsageError(f"--pace fast is for files; leave it out with --source {BROWSER}")
    if options.run.chaos is not None:
        raise UsageError("--chaos is for live runs; leave --pace fast out")
    if read_places(options.run.place).hosts:
        raise UsageError("--place: other hosts are for --pace realtime; leave one of them out")
    for name in ("outputs", "osc"):
        if getattr(options.output, name) is not None:
            raise UsageError(f"--pace fast is not for other programs; leave --{name} out")
    if options.output.speaker not in (None, NONE):
        raise UsageError("--pace fast plays nothing; leave --speaker out")
