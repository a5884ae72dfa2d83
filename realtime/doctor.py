"""``--doctor``: every part a run needs, whether it is there, and the command that mends it."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from engines import survey
from engines.errors import EngineError
from engines.registry import BACKENDS
from engines.versions import installed_version
from pixelplayer.spec import ModelSpec, SpecError
from realtime.compose import has_display
from realtime.errors import DeviceError
from realtime.options import Options
from realtime.priority import may_run_in_real_time
from realtime.reports import EXIT_DEVICE, EXIT_RAN

_PIP = f"{sys.executable} -m pip install"
_RUN = "python run_live.py"
_MAY = (
    "printf '@audio - rtprio 20\\n@audio - nice -10\\n'"
    " | sudo tee /etc/security/limits.d/pixelplayer.conf && sudo usermod -aG audio $USER"
)
_GET: Mapping[str, str] = MappingProxyType(
    {
        "microphone": f"plug one in ({_RUN} --list-devices shows what there is), or take a "
        f"browser's: {_RUN} --source browser; to try without one: {_RUN} --demo",
        "camera": f"plug one in ({_RUN} --list-devices shows what there is), or name one of the "
        f"network: {_RUN} --video rtsp://...; to try without one: {_RUN} --demo",
        "speaker": f"plug one in ({_RUN} --list-devices shows what there is), or go without: "
        f"{_RUN} --speaker none",
    }
)
_FROM_LOGIN = "; it counts from the next login on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One part. ``mend`` is what helps, mostly a command; "" when nothing is missing.

    ``is_needed``: whether even ``--demo --view web --speaker none`` cannot do without it.
    """

    part: str
    found: str
    mend: str = ""
    is_needed: bool = False

    def line(self) -> str:
        """``ok`` or ``missing``, the part, what was found, and what to do."""
        state = "missing" if self.mend else "ok"
        advice = f"; mend it with: {self.mend}" if self.mend else ""
        return f"{state:<8}{self.part:<22}{self.found}{advice}"


def examine(options: Options, environment: Mapping[str, str], out: TextIO) -> int:
    """Print a line per part.

    Returns:
        0, or 3 when something is missing that every run needs: a machine without a camera, a
        microphone or a display plays files and the demo.
    """
    findings = _findings(options, environment)
    for finding in findings:
        out.write(finding.line() + "\n")
    is_broken = any(finding.mend and finding.is_needed for finding in findings)
    return EXIT_DEVICE if is_broken else EXIT_RAN


def _findings(options: Options, environment: Mapping[str, str]) -> list[Finding]:
    return [
        _python(),
        _package("numpy", "numpy", "numpy"),
        _package("opencv", "cv2", "opencv-python"),
        _package("pyzmq", "zmq", "pyzmq"),
        _package("websockets", "websockets", "websockets"),
        _package("pyav", "av", "av"),
        *_engines(),
        _model(Path(options.model.model)),
        _audio("microphone", "input"),
        _audio("speaker", "output"),
        *_real_time(),
        _camera(),
        _display(environment),
        _folder(Path(options.output.record or ".")),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Finding(part="python", found=version)
    return Finding(part="python", found=version, mend="make PYTHON=python3.12 install")


def _package(part: str, module: str, package: str) -> Finding:
    """Import it: a package that is there may still lack a library of the system."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:
        text = " ".join(str(error).split())
        return Finding(part=part, found=text, mend=f"{_PIP} {package}", is_needed=True)
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # the system's own, as OpenCV on a Jetson
        found = installed_version(module)
    return Finding(part=part, found=found)


def _engines() -> list[Finding]:
    """The runtimes; one is enough. Torch is for training and reference, never needed live."""
    return [
        Finding(
            part=found.backend,
            found=": ".join(text for text in (found.runtime, found.problem) if text),
            # Nobody needs a GPU's runtime who has no GPU, or a server's who has no server.
            mend="" if _is_special(found.backend) else found.mend,
        )
        for found in survey.backends()
        if found.backend != "torch"
    ]


def _is_special(backend: str) -> bool:
    entry = BACKENDS[backend]
    return entry.needs_gpu or entry.needs_server or bool(entry.provider)


def _model(folder: Path) -> Finding:
    from engines.model import open_model

    mend = f"{_RUN} --model DIR"
    try:
        spec = ModelSpec.load(folder)
        open_model(folder)
    except (SpecError, EngineError) as error:
        return Finding(part="model", found=str(error), mend=mend, is_needed=True)
    return Finding(part="model", found=f"{spec.name} in {folder}")


def _audio(part: str, direction: str) -> Finding:
    from realtime.portaudio import find_audio_device

    try:
        device = find_audio_device(None, "input" if direction == "input" else "output")
    except DeviceError as error:
        return Finding(part=part, found=str(error).partition(";")[0], mend=_mend(part, str(error)))
    return Finding(part=part, found=device.name)


def _mend(part: str, problem: str) -> str:
    if "install it with: " in problem:
        return problem.rpartition("install it with: ")[2]
    if is_closed("snd/pcm*"):
        return f"sudo usermod -aG audio $USER{_FROM_LOGIN}"
    if "no default" in problem:
        return (
            f"{_RUN} {'--audio' if part == 'microphone' else '--speaker'} NAME, with one of these"
        )
    return _GET[part]


def is_closed(devices: str, root: Path = Path("/dev")) -> bool:
    """Whether there are such device files, and this user may open none of them."""
    found = list(root.glob(devices))
    return bool(found) and not any(os.access(path, os.R_OK | os.W_OK) for path in found)


def _real_time() -> list[Finding]:
    """Where cores are short, sound is late without it; only Linux asks for a right."""
    if sys.platform != "linux":
        return []
    if may_run_in_real_time():
        return [Finding(part="sound in real time", found="this user may")]
    found = "this user may not (what is changed counts from the next login on)"
    return [Finding(part="sound in real time", found=found, mend=_MAY)]


def _camera() -> Finding:
    from realtime.sources.devices import list_cameras

    cameras = list_cameras()
    if cameras and is_closed("video*"):
        return Finding(
            part="camera",
            found=f"this user may not open {cameras[0].uri}",
            mend=f"sudo usermod -aG video $USER{_FROM_LOGIN}",
        )
    if cameras:
        return Finding(part="camera", found=", ".join(item.name for item in cameras))
    if sys.platform != "linux":
        return Finding(part="camera", found="not listed on this system; --video 0 is the first")
    return Finding(part="camera", found="none found", mend=_GET["camera"])


def _display(environment: Mapping[str, str]) -> Finding:
    if has_display(environment, sys.platform):
        return Finding(part="display", found=environment.get("DISPLAY", "of the system"))
    return Finding(part="display", found="DISPLAY is not set", mend=f"{_RUN} --view web")


def _folder(folder: Path) -> Finding:
    """Really write: permissions do not tell the whole story."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        text = f"{folder}: {os.strerror(error.errno or 0)}"
        return Finding(
            part="write access", found=text, mend=f"{_RUN} --record DIR, with another folder"
        )
    return Finding(part="write access", found=str(folder.absolute()))
