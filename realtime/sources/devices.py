"""Which cameras, microphones and speakers this machine has, without opening any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import DeviceError
from realtime.portaudio import AudioDevice, list_audio_devices

_V4L = Path("sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera as Linux lists it; ``number`` is the N of /dev/videoN."""

    number: int
    name: str

    @property
    def uri(self) -> str:
        """What ``--video`` takes."""
        return f"/dev/video{self.number}"


def list_cameras(root: Path = Path("/")) -> tuple[Camera, ...]:
    """The machine's own cameras, by number; none on a system that is not Linux.

    A camera has further device files for metadata, with an index of their own; they are left out.
    """
    found = []
    for entry in root.glob(f"{_V4L}/video*"):
        number = entry.name.removeprefix("video")
        if number.isdecimal() and _text(entry / "index") in ("", "0"):
            found.append(Camera(int(number), _text(entry / "name") or entry.name))
    return tuple(sorted(found, key=lambda camera: camera.number))


def camera_names(cameras: Sequence[Camera]) -> dict[int, str]:
    """What to call each, by its number: its driver's name, and where it is if several have that."""
    times = Counter(camera.name for camera in cameras)
    return {
        camera.number: camera.name if times[camera.name] == 1 else f"{camera.name} ({camera.uri})"
        for camera in cameras
    }


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def device_report(cameras: tuple[Camera, ...]) -> str:
    """What ``--list-devices`` prints: one paragraph per kind, each line ready to be typed."""
    lines = ["Cameras (--video)"]
    lines += [f"  {camera.number:3}  {camera.name}  ({camera.uri})" for camera in cameras]
    if not cameras:
        lines.append("  none found")
    try:
        audio = list_audio_devices()
    except DeviceError as error:
        return "\n".join([*lines, "Microphones and speakers", f"  {error}"])
    microphones = [device for device in audio if device.input_channels]
    speakers = [device for device in audio if device.output_channels]
    lines.append("Microphones (--audio)")
    lines += [_line(device, device.input_channels, device.default_input) for device in microphones]
    if not microphones:
        lines.append("  none found")
    lines.append("Speakers (--speaker)")
    lines += [_line(device, device.output_channels, device.default_output) for device in speakers]
    if not speakers:
        lines.append("  none found")
    return "\n".join(lines)


def _line(device: AudioDevice, channels: int, is_default: bool) -> str:
    remark = ", the default" if is_default else ""
    width = "channel" if channels == 1 else "channels"
    return (
        f"  {device.number:3}  {device.name}  "
        f"({device.host}, {channels} {width}, {device.default_rate_hz} Hz{remark})"
    )
