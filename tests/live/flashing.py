"""A flash and a beep at known instants, through a real camera and a real microphone.

When the light was switched is known. When each beep was, a second microphone of the same sound
server tells, by the place where all that was played is found in what it heard.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.pattern import Pattern
from realtime.rig import read_rig, rig_path
from tests.live.mjpeg import MjpegCamera
from tests.live.parts import end_process
from tests.live.pulse import RATE_HZ, PulseServer

ROOT = Path(__file__).parents[2]
_START_S = 30.0
_SPARE_S = 3.0  # the programs begin at different times
_DARK, _LIGHT = 40, 200


Watch = Callable[[str, float], subprocess.Popen[bytes]]  # an address, and for how long, s


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """``found_ms`` is what the command stored, ``said`` what it printed."""

    found_ms: float
    truth_ms: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a program was shown and played; ``said`` and ``told`` are its output and its errors."""

    url: str
    truth_ms: float
    exit_code: int
    said: str
    told: str


def trial(server: PulseServer, pattern: Pattern, later_ms: float, pictures_per_s: float) -> Trial:
    """Let ``python -m calibration av-offset`` find an offset of about ``later_ms``.

    Raises:
        RuntimeError: it found none; with what it said.
    """

    def watch(url: str, duration_s: float) -> subprocess.Popen[bytes]:
        line = ["-m", "calibration", "av-offset", "--video", url, "--audio", "pulse"]
        return program(server, *line, "--duration", f"{duration_s:.1f}")

    shown = show(server, pattern, later_ms, pictures_per_s, watch)
    if shown.exit_code != 0:
        raise RuntimeError(shown.told)
    found_ms = read_rig(stored_at(server)).offsets_ms[shown.url, "pulse"]
    return Trial(found_ms=found_ms, truth_ms=shown.truth_ms, said=shown.said)


def show(
    server: PulseServer, pattern: Pattern, later_ms: float, pictures_per_s: float, watch: Watch
) -> Shown:
    """Show and play the pattern to a program, the picture later by about ``later_ms``."""
    lamp = _Lamp(pattern)
    camera = MjpegCamera(lamp.picture, 1 / pictures_per_s)
    try:
        with tempfile.TemporaryDirectory() as folder, _Witness(server, Path(folder)) as witness:
            watching = watch(camera.url, pattern.duration_s + _SPARE_S)
            try:
                _wait_for(camera, watching)
                sound = pattern.sound(RATE_HZ)
                playing = server.play(sound)
                lamp.begin(time.monotonic() + later_ms / 1000)
                said, told = watching.communicate(timeout=_START_S + pattern.duration_s)
                playing.wait(_START_S)
            finally:
                end_process(watching)
            beeps_s = witness.instants_s(sound, pattern.instants_s)
    finally:
        camera.close()
    return Shown(
        url=camera.url,
        truth_ms=1000 * float(np.median(lamp.instants_s - beeps_s)),
        exit_code=watching.returncode,
        said=said.decode(),
        told=told.decode(),
    )


def program(server: PulseServer, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python program of ours that uses the server."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=server.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def stored_at(server: PulseServer) -> Path:
    """Where programs with the server's environment keep what they measured."""
    path = rig_path(server.environment)
    assert path is not None
    return path


def _wait_for(camera: MjpegCamera, watching: subprocess.Popen[bytes]) -> None:
    """Until a program gets pictures."""
    deadline_s = time.monotonic() + _START_S
    while camera.sent < 3 and watching.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)


class _Lamp:
    """Lights a part of the picture as the pattern says."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._begun_s: float | None = None

    def begin(self, at_s: float) -> None:
        self._begun_s = at_s

    @property
    def instants_s(self) -> np.ndarray:
        """When it was switched on, monotonic."""
        assert self._begun_s is not None
        return self._begun_s + self._pattern.instants_s

    def picture(self, index: int) -> np.ndarray:
        picture = np.full((120, 160, 3), _DARK, np.uint8)
        begun_s = self._begun_s
        if begun_s is not None and self._pattern.is_lit(time.monotonic() - begun_s):
            picture[20:90, 30:100] = _LIGHT
        return picture


class _Witness:
    """Another microphone, that writes down what it hears and when."""

    def __init__(self, server: PulseServer, folder: Path) -> None:
        self._path = folder / "heard.npz"
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.live.listen", "pulse", str(RATE_HZ)),
                str(self._path),
            ],
            cwd=ROOT,
            env=server.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> _Witness:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_: object) -> None:
        end_process(self._process)

    def instants_s(self, played: np.ndarray, at_s: np.ndarray) -> np.ndarray:
        """When it heard what was played at ``at_s`` of ``played``, monotonic; ends it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(_START_S)
        heard = np.load(self._path)
        places = _place_of(played, heard["samples"]) + at_s * RATE_HZ
        firsts, stamps_ns = heard["first_samples"], heard["capture_ns"]
        chunk = np.searchsorted(firsts, places, side="right") - 1
        return np.asarray(stamps_ns[chunk] / 1e9 + (places - firsts[chunk]) / RATE_HZ)


def _place_of(pattern: np.ndarray, samples: np.ndarray) -> int:
    size = 1 << (samples.size + pattern.size - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(pattern, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: samples.size]))
