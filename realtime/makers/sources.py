"""Makes the sources."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from realtime.clock import Clock
from realtime.compose import file_of
from realtime.makers.maker import Maker, planned_dial
from realtime.options import NONE, Options
from realtime.plan import Plan
from realtime.sources.pacing import FastPace, Pace, RealtimePace
from realtime.stage import Stage


def _pace(plan: Plan, clock: Clock) -> Pace:
    return FastPace() if plan.pace == "fast" else RealtimePace(clock)


def _demo(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.demo import DemoSource

    return DemoSource(stream=plan.stream, pace=_pace(plan, clock))


def _media(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    return MediaSource(str(options.input.source), stream=plan.stream, pace=_pace(plan, clock))


def _film(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    path = str(file_of(options.input.video or ""))
    return MediaSource(path, stream=plan.stream, pace=_pace(plan, clock), want="video")


def _track(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.media import MediaSource

    path = str(file_of(options.input.audio or ""))
    return MediaSource(path, stream=plan.stream, pace=_pace(plan, clock), want="audio")


def _camera(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.camera import CameraDevice, CameraSource, named_camera

    given = options.input.video
    return CameraSource(
        CameraDevice(given),
        stream=plan.stream,
        clock=clock,
        other=lambda name: named_camera(name, given),
    )


def _microphone(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.microphone import MicrophoneSource
    from realtime.sources.microphone_process import MicrophoneDevice

    dial, speaker = planned_dial(options), options.output.speaker

    def found(name: str | None) -> MicrophoneDevice:
        return MicrophoneDevice(
            name,
            clock,
            latency=dial.microphone_latency,
            block_s=dial.block_s,
            has_speaker=speaker != NONE,
            speaker=speaker,
        )

    return MicrophoneSource(
        found(options.input.audio),
        stream=plan.stream,
        clock=clock,
        block_s=dial.block_s,
        other=found,
    )


def _browser(options: Options, plan: Plan, clock: Clock) -> Stage:
    from realtime.sources.browser import BrowserSource

    return BrowserSource(stream=plan.stream, clock=clock)


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "demo": _demo,
        "media": _media,
        "film": _film,
        "track": _track,
        "camera": _camera,
        "microphone": _microphone,
        "browser": _browser,
    }
)
