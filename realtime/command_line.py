"""One table of options, for the command line and for TOML files."""

from __future__ import annotations

import argparse
import difflib
import importlib
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, get_args

from realtime import chaos
from realtime.dial import DIALS
from realtime.errors import UsageError
from realtime.graph import Pace
from realtime.option_row import Row as _Row
from realtime.options import (
    HIGHEST_PORT,
    LOWEST_PORT,
    MOST_OBJECTS,
    NONE,
    OUTPUTS,
    EngineName,
    Options,
    Precision,
    Spares,
    Tap,
    View,
)
from realtime.page_options import BROWSER
from realtime.page_options import ROWS as PAGE_ROWS
from realtime.page_options import check as check_page
from realtime.remote.placing import read_places
from realtime.rig import LARGEST_GAIN_DB, LARGEST_OFFSET_MS

# The standard library has it from Python 3.11 on; before, the package tomli is the same.
_toml: Any = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")

_MOST_CONFIG_BYTES = 64 * 1024
_LARGEST_INTEGER = 2**63


def _positive(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError
    return value


def _offset(text: str) -> float:
    return _within(float(text), LARGEST_OFFSET_MS)


def _gain(text: str) -> float:
    return _within(float(text), LARGEST_GAIN_DB)


def _within(value: float, largest: float) -> float:
    if not abs(value) <= largest:
        raise ValueError
    return value


def _lookahead(text: str) -> str | float:
    if text in DIALS:
        return text
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _objects(text: str) -> int | None:
    if text == "auto":
        return None
    value = int(text)
    if not 1 <= value <= MOST_OBJECTS:
        raise ValueError
    return value


def _chaos(text: str) -> str:
    chaos.check(text)
    return text


def _places(text: str) -> str:
    read_places(text)
    return text


def _outputs(text: str) -> int:
    return _port(text, "tcp", HIGHEST_PORT - OUTPUTS)


def _osc(text: str) -> int:
    return _port(text, "udp", HIGHEST_PORT)


def _port(text: str, protocol: str, highest: int) -> int:
    kind, _, port = text.partition(":")
    value = int(port)
    if kind != protocol or not LOWEST_PORT <= value <= highest:
        raise ValueError
    return value


def _threads(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_GROUPS: Mapping[str, Mapping[str, _Row]] = MappingProxyType(
    {
        "what goes in (default: the default camera and microphone)": {
            "demo": _Row(place="input.demo", help="the built-in duet; needs no hardware"),
            "source": _Row(
                place="input.source",
                metavar=f"FILE|{BROWSER}",
                help="a media file, picture and sound; of a folder all, with --pace fast --record; "
                "or a browser's camera and microphone (docs/browser.md)",
            ),
            "video": _Row(
                place="input.video",
                metavar="URI",
                help="0, /dev/video0, csi://0, rtsp://..., http://..., a file, or none",
            ),
            "audio": _Row(
                place="input.audio",
                metavar="URI",
                help="a microphone's name or number, a file, or none",
            ),
        },
        "what sets it right (default: as measured by: python -m calibration)": {
            "av-offset": _Row(
                place="rig.av_offset_ms",
                metavar="MS",
                parse=_offset,
                help="how much later the picture tells of what happens than the sound",
            ),
            "gain": _Row(
                place="rig.gain_db", metavar="DB", parse=_gain, help="of the sound that goes in"
            ),
        },
        "what computes": {
            "model": _Row(place="model.model", metavar="DIR", help="a checkpoint's folder"),
            "engine": _Row(
                place="model.engine",
                metavar="NAME",
                choices=get_args(EngineName),
                help="what runs the networks; auto measures and remembers",
            ),
            "server": _Row(
                place="model.server",
                metavar="HOST:PORT",
                help="where --engine remote computes: a server of the KServe v2 protocol",
            ),
            "precision": _Row(
                place="model.precision",
                metavar="NAME",
                choices=get_args(Precision),
                help="of the networks' numbers",
            ),
            "threads-per-network": _Row(
                place="model.threads_per_network",
                metavar="N",
                parse=_threads,
                help="CPU threads for each of the two networks (default: half of the cores)",
            ),
        },
        "how it is separated": {
            "objects": _Row(
                place="separation.objects",
                metavar=f"auto|1..{MOST_OBJECTS}",
                parse=_objects,
                help="how many objects there are (default: auto)",
            ),
            "lookahead": _Row(
                place="separation.lookahead",
                metavar="|".join((*DIALS, "MS")),
                parse=_lookahead,
                help="later but better (default: stage at a microphone, else watched; fast studio)",
            ),
        },
        "what comes out": {
            "speaker": _Row(
                place="output.speaker",
                metavar="NAME|none",
                help="where the mix is played (default: the default speaker)",
            ),
            "view": _Row(
                place="output.view",
                metavar="NAME",
                choices=get_args(View),
                help="auto: a window where there is a display, else a page for a browser",
            ),
            "record": _Row(
                place="output.record",
                metavar="DIR",
                help="write every object, and the picture, there",
            ),
            "recordings": _Row(
                place="output.recordings",
                metavar="DIR",
                help="where the page's record button, and the window's key, make their folders "
                "(default: recordings)",
            ),
            "outputs": _Row(
                place="output.outputs",
                metavar="tcp:PORT",
                parse=_outputs,
                help="every object's sound for other programs of this machine, live, as a WAV "
                f"without an end: all at PORT, object N at PORT + N, the rest at PORT + {OUTPUTS} "
                "(docs/outputs.md)",
            ),
            "tap": _Row(
                place="output.tap",
                metavar="NAME",
                choices=get_args(Tap),
                help="whether other programs hear objects before or behind their gains",
            ),
            "osc": _Row(
                place="output.osc",
                metavar="udp:PORT",
                parse=_osc,
                help="gain, solo and mute for other programs of this machine, by Open Sound "
                "Control (docs/outputs.md)",
            ),
            "profile": _Row(
                place="output.profile",
                metavar="FILE",
                help="write a trace that Perfetto opens; prints a table per stage at the end",
            ),
        },
        "the page for a browser": PAGE_ROWS,
        "the run": {
            "duration": _Row(
                place="run.duration_s",
                metavar="S",
                parse=_positive,
                help="end after so many seconds",
            ),
            "pace": _Row(
                place="run.pace",
                metavar="NAME",
                choices=get_args(Pace),
                help="fast, for files: as quick as it goes, nothing lost, same result every time",
            ),
            "place": _Row(
                place="run.place",
                metavar="WHERE",
                parse=_places,
                help="threads of one process, or processes (default); and, with a comma between, "
                "stages of other hosts: sight=tcp://gpu-box:7000 (docs/remote.md)",
            ),
            "keys": _Row(
                place="run.keys",
                metavar="DIR",
                help="keys for other hosts (default: as python -m realtime keys makes them)",
            ),
            "spares": _Row(
                place="run.spares",
                metavar="NAME",
                choices=get_args(Spares),
                help="live, processes that wait to take the place of others (default: all)",
            ),
            "chaos": _Row(
                place="run.chaos",
                metavar="SEED",
                parse=_chaos,
                help="live, let stages be killed, stopped and fail at random; or as told: "
                '"kill hearing 10, stop sight 20, raise separator 30"',
            ),
        },
    }
)
_ROWS = MappingProxyType({key: row for group in _GROUPS.values() for key, row in group.items()})
_ACTIONS = MappingProxyType(
    {
        "list-devices": "show cameras, microphones and speakers",
        "doctor": "show what is missing, and the command that mends it",
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
    for title, rows in _GROUPS.items():
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


def choices(key: str) -> tuple[str, ...] | None:
    """What an option may be, where that is one of a few words."""
    return _ROWS[key].choices if key in _ROWS else None


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
        if path.stat().st_size > _MOST_CONFIG_BYTES:
            raise UsageError(f"--config {path}: it is larger than {_MOST_CONFIG_BYTES // 1024} KB")
        found = _toml.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"--config {path}: there is no such file") from None
    except (OSError, ValueError, RecursionError) as error:
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
        raise UsageError(f"{name}: wanted {row.metavar}, got {text!r}; run with --help") from None


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
