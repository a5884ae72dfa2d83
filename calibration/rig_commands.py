"""The commands that measure this rig's devices: ``av-offset``, ``loop-latency``, ``levels``."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from calibration.av_offset import Offset, av_offset
from calibration.capture import Captured, captured, messages
from calibration.collection import CalibrationError
from calibration.levels import levels
from calibration.listening import listen, loop
from calibration.onsets import onsets
from calibration.pattern import Pattern
from calibration.show import show_pattern
from calibration.sightings import flashes, halts
from realtime import lip_sync
from realtime.clock import NS_PER_S, Clock, SystemClock
from realtime.dial import DIALS, STAGE
from realtime.messages import Message
from realtime.rig import Rig, read_rig, rig_path, write_rig
from realtime.sources.camera import CameraDevice, CameraSource
from realtime.sources.device_names import camera_name, sound_name
from realtime.sources.media import MediaSource
from realtime.sources.microphone import MicrophoneSource
from realtime.sources.microphone_process import MicrophoneDevice
from realtime.sources.pacing import FastPace
from realtime.stage import Stage

_PATTERN_RATE_HZ = 48_000


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """To the parser of ``python -m calibration``."""
    offset = commands.add_parser("av-offset", help="camera against microphone: clap, or --pattern")
    offset.add_argument("--video", metavar="URI", help="the camera, as run_live.py takes it")
    offset.add_argument("--source", metavar="FILE", help="a media file instead")
    offset.add_argument("--duration", type=float, default=20.0, metavar="S")
    offset.add_argument("--pattern", action="store_true", help="show flashes and play beeps")
    offset.set_defaults(run=_av_offset)
    loop_latency = commands.add_parser("loop-latency", help="from the speaker to the microphone")
    loop_latency.set_defaults(run=_loop_latency)
    level = commands.add_parser("levels", help="the microphone's level, and the gain to use")
    level.add_argument("--duration", type=float, default=5.0, metavar="S")
    level.set_defaults(run=_levels)
    for command in (offset, loop_latency, level):
        command.add_argument("--audio", metavar="NAME", help="the microphone")
        command.add_argument("--no-store", action="store_true", help="measure, keep nothing")
    for command in (offset, loop_latency):
        command.add_argument("--speaker", metavar="NAME", help="where it is played")


def _av_offset(options: argparse.Namespace) -> None:
    clock = SystemClock()
    if options.source is not None:
        source = MediaSource(options.source, stream="calibration", pace=FastPace())
        offset, kind = estimated(captured(messages([source], clock)))
        _tell(offset, kind)
        print(f"python run_live.py --source {options.source} --av-offset {offset.ms:.0f}")
        return
    dial = DIALS[STAGE]
    sources: list[Stage] = [
        CameraSource(CameraDevice(options.video), stream="calibration", clock=clock),
        MicrophoneSource(
            MicrophoneDevice(
                options.audio, clock, latency=dial.microphone_latency, block_s=dial.block_s
            ),
            stream="calibration",
            clock=clock,
            block_s=dial.block_s,
        ),
    ]
    pair = camera_name(options.video), sound_name(options.audio, "input")

    def capture(is_over: Callable[[], bool]) -> Iterator[Message]:
        return messages(sources, clock, is_over=is_over)

    if options.pattern:
        given = _with_pattern(capture, options.speaker, clock)
    else:
        print(
            f"for {options.duration:.0f} s: clap before the camera about once a second, "
            "irregularly, and keep the hands together for a moment",
            file=sys.stderr,
        )
        end_ns = clock.now_ns() + round(options.duration * NS_PER_S)
        given = captured(capture(lambda: clock.now_ns() >= end_ns))
    offset, kind = estimated(given)
    _tell(offset, kind)
    if not options.no_store:
        _store(lambda rig: dataclasses.replace(rig, offsets_ms={**rig.offsets_ms, pair: offset.ms}))


def _with_pattern(
    capture: Callable[[Callable[[], bool]], Iterator[Message]], speaker: str | None, clock: Clock
) -> Captured:
    """What is captured while the pattern is shown and played."""
    over, begun = Event(), Event()

    def noted() -> Iterator[Message]:
        for message in capture(over.is_set):
            begun.set()
            yield message

    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(captured, noted())

        def wait() -> None:
            while not begun.wait(0.05):
                if result.done():
                    result.result()
                    raise CalibrationError("the camera and the microphone give nothing")

        try:
            show_pattern(Pattern(), speaker, _PATTERN_RATE_HZ, clock, wait)
        finally:
            over.set()
        return result.result()


def estimated(given: Captured) -> tuple[Offset, str]:
    """The offset, and what told it: flashes or claps.

    Raises:
        CalibrationError: none can be told.
    """
    heard = given.instants_ns(onsets(given.samples, given.rate_hz))
    found: dict[str, Offset] = {}
    problems: list[tuple[int, CalibrationError]] = []
    for kind, find in (("flashes", flashes), ("claps", halts)):
        seen = find(given.times_ns, given.looks)
        try:
            found[kind] = av_offset(seen, heard)
        except CalibrationError as error:
            problems.append((len(seen), error))
    if not found:
        raise max(problems, key=lambda one: one[0])[1]
    # What flashes also seems to move; what moves seldom seems to flash.
    kind = max(found, key=lambda one: found[one].events * (1.25 if one == "flashes" else 1.0))
    return found[kind], kind


def _tell(offset: Offset, kind: str) -> None:
    later, than = ("picture", "sound") if offset.ms >= 0 else ("sound", "picture")
    print(
        f"the {later} is {abs(offset.ms):.1f} ms later than the {than}, within "
        f"{offset.uncertain_ms:.1f} ms ({offset.events} {kind} of {offset.seen} seen, "
        f"{offset.heard} sounds); by BT.1359 {lip_sync.verdict(offset.ms)}"
    )


def _loop_latency(options: argparse.Namespace) -> None:
    pair = sound_name(options.speaker, "output"), sound_name(options.audio, "input")
    found, told_ms = loop(options.speaker, options.audio, DIALS[STAGE], SystemClock())
    untold_ms = found.ms - told_ms
    print(
        f"from the speaker to the microphone {found.ms:.1f} ms, of which the speaker tells "
        f"{told_ms:.1f} ms ({found.heard} of {found.said} bursts within {found.spread_ms:.1f} ms; "
        f"{found.sharp:.0f} times clearer than chance)"
    )
    if not options.no_store:
        _store(lambda rig: dataclasses.replace(rig, untold_ms={**rig.untold_ms, pair: untold_ms}))


def _levels(options: argparse.Namespace) -> None:
    name = sound_name(options.audio, "input")
    print(f"for {options.duration:.0f} s: play as you will play", file=sys.stderr)
    samples, rate_hz = listen(options.audio, DIALS[STAGE], SystemClock(), options.duration)
    found = levels(samples, rate_hz)
    print(
        f"noise {found.floor_db:.0f} dB, loud {found.loud_db:.0f} dB, peak {found.peak_db:.0f} dB "
        f"of full scale; {found.clipped} samples clipped; gain {found.gain_db:+.0f} dB"
    )
    if found.clipped:
        raise CalibrationError(
            "the microphone is too loud before it comes to us; turn it down in the system's "
            "sound settings, and measure again"
        )
    if not options.no_store:
        _store(lambda rig: dataclasses.replace(rig, gains_db={**rig.gains_db, name: found.gain_db}))


def _store(change: Callable[[Rig], Rig]) -> None:
    path = rig_path(os.environ)
    if path is None:
        print("it is not kept: the user has no home folder", file=sys.stderr)
        return
    write_rig(path, change(read_rig(path)))
    print(f"kept in {path}; run_live.py uses it with the same devices")
