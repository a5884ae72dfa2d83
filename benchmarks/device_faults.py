"""Faults of devices, and how they are undone; each device is a real server's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer
from tests.live.sound_devices import SoundDevices

Kind: TypeAlias = Literal["camera", "microphone", "speaker"]

QUICK_S = 1 / 30  # between two pictures
SLOW_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """``begin`` breaks ``device``, ``end`` mends it after ``lasts_s``: from then on time counts."""

    name: str
    device: Kind
    begin: Callable[[], None]
    end: Callable[[], None]
    lasts_s: float
    is_gone: bool = True  # whether the player must have lost it meanwhile


def faults(devices: SoundDevices, camera: MjpegCamera, play: Callable[[], None]) -> Sequence[Fault]:
    """All of them. ``play`` makes the microphone hear something, and again on a new server."""

    def heard(mend: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            mend()
            play()

        return both

    def slower(period_s: float) -> Callable[[], None]:
        return lambda: setattr(camera, "period_s", period_s)

    spk, mic = devices.speaker, devices.microphone
    return (
        *_of_server("speaker", spk, "spk", lambda mend: mend),
        *_of_server("microphone", mic, "mic", heard),
        Fault(name="stalled", device="camera", begin=camera.stall, end=camera.resume, lasts_s=6),
        Fault(name="cut", device="camera", begin=camera.cut, end=camera.resume, lasts_s=3),
        Fault(
            name="slow",
            device="camera",
            begin=slower(SLOW_S),
            end=slower(QUICK_S),
            lasts_s=5,
            is_gone=False,
        ),
    )


def _of_server(
    device: Kind,
    server: PulseServer,
    sink: str,
    heard: Callable[[Callable[[], None]], Callable[[], None]],
) -> Sequence[Fault]:
    return (
        Fault(
            name="server killed",
            device=device,
            begin=server.kill,
            end=heard(server.restart),
            lasts_s=3,
        ),
        Fault(name="server frozen", device=device, begin=server.freeze, end=server.thaw, lasts_s=4),
        Fault(
            name="server frozen for 0.5 s",
            device=device,
            begin=server.freeze,
            end=server.thaw,
            lasts_s=0.5,
            is_gone=False,
        ),
        Fault(
            name="device pulled out",
            device=device,
            begin=lambda: server.unload(sink),
            end=heard(lambda: server.load(sink)),
            lasts_s=3,
        ),
    )


def wait(duration_s: float) -> None:
    """Let the fault last."""
    time.sleep(duration_s)
