"""From what the user asked for to the plan of a run: which stages, and where each lives."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pixelplayer.spec import ModelSpec
from realtime.dial import STAGE, STUDIO, WATCHED, departure, dial_at
from realtime.errors import DeviceError, UsageError
from realtime.graph import MAIN, STAGES
from realtime.options import (
    NONE,
    InputOptions,
    Options,
    OutputOptions,
    SeparationOptions,
    View,
)
from realtime.page_options import (
    BROWSER,
    PageOptions,
    is_loopback,
    read_address,
    with_token,
)
from realtime.plan import SUPERVISOR, Plan
from realtime.remembered import remembered
from realtime.remote.keys import check_places, keys_of
from realtime.remote.placing import read_places
from realtime.sinks.private import make_folder

BUILDER = "realtime.build:build"


def compose(options: Options, environment: Mapping[str, str], tell: Callable[[str], None]) -> Plan:
    """The plan of the run that ``options`` ask for; what was ``auto`` is decided here.

    ``tell`` gets what the user may want to know of the decisions.

    Raises:
        UsageError, SpecError, EngineError: a file or the model cannot be used.
    """
    spec = ModelSpec.load(Path(options.model.model))
    asked = options.separation.lookahead
    options = dataclasses.replace(
        options,
        separation=_separation(options),
        output=_speaker(_output(options, environment), options, tell),
        model=dataclasses.replace(options.model, threads_per_network=_threads(options)),
    )
    if options.output.view == "web":
        options = dataclasses.replace(options, page=_page(options.page, environment, tell))
    dial_at(spec, options.separation.lookahead)
    if asked is not None and (line := departure(spec, asked)):
        tell(line)
    names = (*_sources(options.input), "sight", "hearing", "separator", *_sinks(options))
    rig = remembered(options, names, environment, tell)
    options = dataclasses.replace(options, rig=rig)
    places = read_places(options.run.place)
    if places.hosts:
        check_places(places, keys_of(options, environment), tell)
    options = with_engine(options, tell)  # last: for files it may take seconds, a mistake none
    apart = places.placement == "processes"
    return Plan(
        stream=_stream(options.input),
        processes={name: STAGES[name].process if apart else MAIN for name in (*names, SUPERVISOR)},
        pace=options.run.pace,
        builder=BUILDER,
        options=options.to_plain(),
        duration_s=options.run.duration_s,
        looks_hz=spec.vision.rate_hz if options.run.pace == "fast" else None,
        is_traced=options.output.profile is not None,
    )


def file_of(uri: str) -> Path | None:
    """The file that ``--video`` or ``--audio`` names; None when it names a device or a stream."""
    if uri.startswith("file://"):
        return Path(uri.removeprefix("file://"))
    path = Path(uri)
    return path if path.is_file() else None


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether windows can be shown; OpenCV would end the process where they cannot."""
    if platform in ("darwin", "win32"):
        return True
    return bool(environment.get("DISPLAY"))  # OpenCV's wheels speak X11, not Wayland's own


def _sources(given: InputOptions) -> tuple[str, ...]:
    if given.demo:
        return ("demo",)
    if given.source == BROWSER:
        return ("browser",)
    if given.source is not None:
        _existing("--source", Path(given.source))
        return ("media",)
    names = []
    if given.video != NONE:
        names.append(_kind("--video", given.video, "film", "camera"))
    names.append(_kind("--audio", given.audio, "track", "microphone"))
    return tuple(names)


def _kind(option: str, uri: str | None, file_kind: str, device_kind: str) -> str:
    if uri is None:
        return device_kind
    path = file_of(uri)
    if path is None and "://" not in uri and Path(uri).suffix and not uri.startswith("/dev/"):
        path = Path(uri)  # a device has no file name's ending
    if path is None:
        return device_kind
    _existing(option, path)
    return file_kind


def _separation(options: Options) -> SeparationOptions:
    """Who hears the delay decides the lookahead, unless it was asked for.

    A picture waits for its sound: where both come from files nobody can tell how late they are, but
    for how late they begin.
    """
    given = options.separation
    if given.lookahead is not None:
        return given
    if not {"microphone", "browser"}.isdisjoint(_sources(options.input)):
        return dataclasses.replace(given, lookahead=STAGE)
    is_fast = options.run.pace == "fast"
    return dataclasses.replace(given, lookahead=STUDIO if is_fast else WATCHED)


def _existing(option: str, path: Path) -> None:
    if not path.is_file():
        found = "it is no file" if path.exists() else "there is no such file"
        raise UsageError(f"{option} {path}: {found}; try python run_live.py --demo")


def _sinks(options: Options) -> tuple[str, ...]:
    names = []
    if options.run.pace == "realtime":
        names.append("speaker")
    if options.output.record is not None:
        names.append("recorder")
    if options.run.pace == "realtime" and options.output.view != NONE:
        names.append("takes")  # when a viewer asks for it
    if options.output.outputs is not None or options.output.osc is not None:
        names.append("outputs")
    if options.output.view != NONE:
        names.append(options.output.view)
    return tuple(names)


def _output(options: Options, environment: Mapping[str, str]) -> OutputOptions:
    """Decide the view, and see that what is to be written can be written."""
    given = options.output
    view: View = given.view
    can_show = has_display(environment, sys.platform)
    if view == "auto":
        is_page = options.page.is_asked_for or options.input.source == BROWSER
        view = "window" if can_show and not is_page else "web"
    if view == "window" and not can_show:
        raise UsageError("--view window: there is no display (DISPLAY is not set); use --view web")
    if given.part_min is not None and (given.record is None or options.run.pace == "fast"):
        raise UsageError(
            "--part-min divides what is recorded while it plays; add --record DIR, "
            "and no --pace fast"
        )
    if given.record is not None:
        _writable("--record", Path(given.record))
    if given.profile is not None:
        _writable("--profile", Path(given.profile).absolute().parent)
        if Path(given.profile).is_dir():
            raise UsageError(f"--profile {given.profile} is a folder; give a file's name")
    return dataclasses.replace(given, view=view)


def _page(
    given: PageOptions, environment: Mapping[str, str], tell: Callable[[str], None]
) -> PageOptions:
    """With the token itself, and told of what the network would see."""
    token = with_token(given, environment)
    if given.address is not None and given.certificate is None:
        host, _ = read_address(given.address)
        if not is_loopback(host):
            tell(
                "the page is not encrypted: who listens in the network can read its token, and "
                "browsers give it neither sound nor camera; add --web-certificate (docs/browser.md)"
            )
    return dataclasses.replace(given, token=token)


def _speaker(output: OutputOptions, options: Options, tell: Callable[[str], None]) -> OutputOptions:
    """The demo goes on without a speaker, unless one was asked for.

    Of a browser's microphone nothing is played here unless it is asked for: who listens is there.
    """
    if options.input.source == BROWSER and output.speaker is None:
        tell("nothing is played here; press 'Hear it here' on the page, or add --speaker NAME")
        return dataclasses.replace(output, speaker=NONE)
    is_demo = options.input.demo and options.run.pace == "realtime"
    if not is_demo or output.speaker is not None:
        return output
    from realtime.portaudio import find_audio_device

    try:
        find_audio_device(None, "output")
    except DeviceError as error:
        tell(f"nothing will be heard: {error}")
        return dataclasses.replace(output, speaker=NONE)
    return output


def _writable(option: str, folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        raise UsageError(f"{option} {folder}: {error.strerror}; choose another folder") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option} {folder}: it cannot be written to; choose another folder")


def _threads(options: Options) -> int:
    asked = options.model.threads_per_network
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return asked if asked is not None else max(1, cores // 2)


def with_engine(options: Options, tell: Callable[[str], None]) -> Options:
    """Decide the engine, and see that it can be had, before any process is started."""
    from engines import auto, cuda, registry
    from engines.errors import EngineError
    from engines.model import resolve_precision

    given = options.model
    threads = given.threads_per_network or 1
    folder = Path(given.model)
    if given.engine == "auto":
        spec = ModelSpec.load(folder)
        dial = dial_at(spec, options.separation.lookahead)
        newest = dial.pace(is_fast=False).newest_columns
        is_live = options.run.pace == "realtime"
        found = auto.guess if is_live else auto.choose  # nobody waits for what comes from files
        choice = found(folder, threads, given.precision, newest=newest)
        tell(choice.report().splitlines()[0])
        guessed_for = given.precision if choice.is_guess else None
        return _decided(
            options, choice.backend, choice.precision, is_chosen=True, guessed_for=guessed_for
        )
    backend = registry.backend_of(given.engine)
    if backend is None:
        known = ", ".join(registry.BACKENDS)
        raise UsageError(f"--engine {given.engine} is not part of this version; there are {known}")
    if backend.needs_gpu:
        try:
            cuda.device()
        except EngineError as error:
            raise DeviceError(f"--engine {given.engine}: {error}") from None
    engine: str = given.engine
    if backend.needs_server:
        if given.server is None:
            raise UsageError(f"--engine {engine} needs an address; add --server HOST:8001")
        engine = f"{engine}={given.server}"
    return _decided(options, engine, resolve_precision(given.precision))


def _decided(options: Options, backend: str, precision: str, **more: bool | str | None) -> Options:
    """With the names that ``--engine`` and ``--precision`` would have had to give."""
    plain = options.to_plain()
    plain["model"] |= {"engine": backend, "precision": precision, **more}
    return Options.from_plain(plain)


def _stream(given: InputOptions) -> str:
    """What the recording is called in messages."""
    if given.demo:
        return "demo"
    return Path(given.source).name if given.source else "live"
