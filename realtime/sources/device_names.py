"""What cameras, microphones and speakers are called in what is kept, however they were named."""

from __future__ import annotations

from realtime.portaudio import Direction, find_audio_device
from realtime.sources.camera_address import camera_address, shown_name
from realtime.sources.devices import list_cameras


def camera_name(uri: str | None) -> str:
    """The camera that ``--video`` means: its driver's name, or its address without a password.

    Raises:
        DeviceError: there is no such camera.
    """
    cameras = list_cameras()
    return shown_name(camera_address(uri, cameras), cameras)


def sound_name(wanted: str | None, direction: Direction) -> str:
    """The microphone or the speaker that ``--audio`` or ``--speaker`` means.

    Raises:
        DeviceError: there is no such device.
    """
    return find_audio_device(wanted, direction).name
