"""What ``--video`` may name besides a file, and how OpenCV opens it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from realtime.errors import DeviceError
from realtime.picture import CaptureBackend
from realtime.sources.devices import Camera, camera_names

_NETWORK = ("rtsp://", "rtsps://", "http://", "https://", "udp://", "tcp://")
_CSI_PIPELINE = (
    "nvarguscamerasrc sensor-id={sensor} ! "
    "video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1 ! "
    "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! "
    "appsink drop=true max-buffers=1 sync=false"
)


@dataclass(frozen=True, slots=True)
class CameraAddress:
    """``wanted`` and ``backend`` as :class:`~realtime.picture.Capture` takes them."""

    uri: str
    wanted: int | str
    backend: CaptureBackend


def is_network_camera(uri: str) -> bool:
    """Whether ``uri`` is a stream from the network."""
    return uri.casefold().startswith(_NETWORK)


def shown_name(address: CameraAddress, cameras: tuple[Camera, ...]) -> str:
    """What to call it: its driver's name, or its address without a password."""
    if is_network_camera(address.uri):
        return without_password(address.uri)
    names = camera_names(cameras)
    if isinstance(address.wanted, int):
        return names.get(address.wanted, address.uri)
    return address.uri


def without_password(uri: str) -> str:
    """The address of a network's camera, as anybody may see it."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def same_camera(known: Camera, uri: str, cameras: tuple[Camera, ...]) -> CameraAddress:
    """Where one of the system's own cameras is now: plugged in again, it may have another number.

    Of several that have its name, the one with the nearest number.

    Raises:
        DeviceError: it is not there; the message lists what was found.
    """
    same = [camera.number for camera in cameras if camera.name == known.name]
    if not same:
        raise _missing(f"there is no camera '{known.name}'", cameras)
    return CameraAddress(uri, min(same, key=lambda number: abs(number - known.number)), "v4l2")


def camera_address(uri: str | None, cameras: tuple[Camera, ...]) -> CameraAddress:
    """Find the camera that ``uri`` means; None is the first one.

    ``0``, ``/dev/video0``, ``v4l2:///dev/video0``, ``csi://0``, a network stream, or a part of the
    name of one of ``cameras``.

    Raises:
        DeviceError: there is no such camera; the message lists what was found.
    """
    if uri is None:
        if sys.platform == "linux" and not cameras:
            raise DeviceError("no camera was found; plug one in, or try: python run_live.py --demo")
        uri = str(cameras[0].number) if cameras else "0"
    if is_network_camera(uri):
        return CameraAddress(uri, uri, "ffmpeg")
    if uri.startswith("csi://"):
        sensor = uri.removeprefix("csi://")
        if not sensor.isdecimal():
            raise _missing(f"'{uri}' names no sensor (csi://0 is the first)", cameras)
        return CameraAddress(uri, _CSI_PIPELINE.format(sensor=sensor), "gstreamer")
    return CameraAddress(uri, *_device(uri, cameras))


def _device(uri: str, cameras: tuple[Camera, ...]) -> tuple[int, CaptureBackend]:
    path = uri.removeprefix("v4l2://")
    if path.startswith("/dev/"):
        path = Path(path).resolve().name.removeprefix("video")  # by-id names are links
    if path.isdecimal():
        return _existing(int(path), uri, cameras)
    named = [camera for camera in cameras if uri.casefold() in camera.name.casefold()]
    if len(named) != 1:
        problem = f"'{uri}' stands for several cameras" if named else f"there is no camera '{uri}'"
        raise _missing(problem, cameras)
    return named[0].number, "v4l2"


def _existing(number: int, uri: str, cameras: tuple[Camera, ...]) -> tuple[int, CaptureBackend]:
    if sys.platform != "linux":
        return number, "any"
    if not Path(f"/dev/video{number}").exists():
        raise _missing(f"there is no camera '{uri}'", cameras)
    return number, "v4l2"


def _missing(problem: str, cameras: tuple[Camera, ...]) -> DeviceError:
    found = ", ".join(f"{camera.number} '{camera.name}'" for camera in cameras) or "none"
    return DeviceError(
        f"{problem}; found: {found}; name another with --video, or try: python run_live.py --demo"
    )
