"""What a run takes from what was measured of its devices, unless it was told otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping

from realtime.errors import DeviceError, UsageError
from realtime.options import NONE, Options, RigOptions
from realtime.rig import Rig, read_rig, rig_path


def remembered(
    options: Options,
    stages: Collection[str],
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> RigOptions:
    """The rig's options with what is stored for the devices of a run with these stages.

    A file that cannot be read is told of, and the run goes on without. Devices that are not there
    are told of when they are opened.
    """
    given = options.rig
    path = rig_path(environment)
    if path is None or not path.exists() or "microphone" not in stages:
        return given
    try:
        rig = read_rig(path)
        found = _found(options, stages, rig)
    except UsageError as error:
        tell(f"nothing is set right: {error}")
        return given
    except DeviceError:
        return given
    for text in _told(given, found):
        tell(text)
    return RigOptions(
        av_offset_ms=_first(given.av_offset_ms, found.av_offset_ms),
        gain_db=_first(given.gain_db, found.gain_db),
        untold_ms=_first(given.untold_ms, found.untold_ms),
    )


def _found(options: Options, stages: Collection[str], rig: Rig) -> RigOptions:
    """What is stored for the devices that are meant."""
    # With OpenCV, for which a run that has nothing stored need not wait.
    from realtime.sources.device_names import camera_name, sound_name

    microphone = sound_name(options.input.audio, "input")
    found = RigOptions(gain_db=rig.gains_db.get(microphone))
    if "camera" in stages and rig.offsets_ms:
        pair = camera_name(options.input.video), microphone
        found = dataclasses.replace(found, av_offset_ms=rig.offsets_ms.get(pair))
    if "speaker" in stages and options.output.speaker != NONE and rig.untold_ms:
        pair = sound_name(options.output.speaker, "output"), microphone
        found = dataclasses.replace(found, untold_ms=rig.untold_ms.get(pair))
    return found


def _told(given: RigOptions, found: RigOptions) -> list[str]:
    told = []
    if given.av_offset_ms is None and found.av_offset_ms:
        told.append(f"camera {found.av_offset_ms:+.0f} ms from the microphone, as measured")
    if given.gain_db is None and found.gain_db:
        told.append(f"microphone {found.gain_db:+.0f} dB, as measured")
    return told


def _first(given: float | None, found: float | None) -> float | None:
    return found if given is None else given
