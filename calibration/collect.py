"""Where a calibration set comes from: scenes of the virtual band, or anybody's media files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.collection import SILENT, CalibrationError, Look, Window
from pixelplayer import band
from pixelplayer.pictures import exposed
from pixelplayer.spec import USUAL, ModelSpec
from pixelplayer.stft import stft
from pixelplayer.warp import LogFrequencyWarp
from realtime import picture
from realtime.clock import NS_PER_S
from realtime.errors import UsageError
from realtime.sources.size import LONGEST_SIDE_PX
from realtime.sources.tracks import Complaints, FileSound, open_file_pictures

LEVELS_DB = (-36.0, 0.0)  # of the band's scenes: microphones stand near and far
MEDIA_SUFFIXES = (
    *(".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v"),
    *(".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus"),
    *(".jpg", ".jpeg", ".png"),
)
_LOOKS_PER_FILE = 4
_APART_S = 1.0  # pictures of one file
_WINDOWS_PER_FILE = 8
_READ_S = 120.0  # of a file, at most


class Ears:
    """Cuts sound into the windows that the sound network gets."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec

    def windows(self, samples: NDArray[np.float32], rate_hz: int, label: str) -> list[Window]:
        """Windows half a window apart; the last ones end in silence, as a live one begins."""
        analysis = self._spec.audio.at_rate(rate_hz)
        loud = LogFrequencyWarp(self._spec.audio, analysis).log_magnitude(stft(samples, analysis))
        width = self._spec.audio.columns
        found = []
        for start in range(0, max(loud.shape[1] - width // 2, 1), max(width // 2, 1)):
            part = loud[:, start : start + width]
            whole = np.full((loud.shape[0], width), loud.min(), np.float32)
            whole[:, : part.shape[1]] = part
            window = Window(log_magnitude=whole, label=label)
            silent = Window(log_magnitude=whole, label=SILENT)
            found.append(silent if window.is_silent else window)
        return found


def shown(spec: ModelSpec, pixels_bgr: NDArray[np.uint8], label: str) -> Look:
    """A picture as the visual network gets it in the proportions of most cameras."""
    rows, columns = spec.vision.grid_for(*USUAL)
    stride = spec.vision.stride_px
    small = picture.to_network(pixels_bgr, (rows * stride, columns * stride))
    return Look(picture=exposed(small)[0], label=label)


def from_band(
    spec: ModelSpec, scenes: int, seed: int, rng: np.random.Generator
) -> tuple[list[Window], list[Look]]:
    """Scenes of one to three instruments, near and far."""
    rate_hz, columns = spec.audio.rate_hz, spec.audio.columns
    duration_s = 1.5 * columns * spec.audio.hop / rate_hz
    ears = Ears(spec)
    windows: list[Window] = []
    looks: list[Look] = []
    for number in range(scenes):
        count = int(rng.integers(1, 4))
        names = [str(name) for name in rng.choice(band.INSTRUMENTS, count, replace=False)]
        scene = band.scene(seed + number, duration_s, rate_hz, names)
        gain = np.float32(10 ** (rng.uniform(*LEVELS_DB) / 20))
        label = "+".join(sorted(names))
        windows += ears.windows(scene.mixture * gain, rate_hz, label)
        looks += [
            shown(spec, scene.frame(float(rng.uniform(0, duration_s)), 270, 480), label)
            for _ in range(2)
        ]
    return windows, looks


def from_files(
    spec: ModelSpec, paths: Sequence[Path], rng: np.random.Generator
) -> tuple[list[Window], list[Look], list[str]]:
    """Sound and pictures of media files; a folder's own name is the label of what is in it.

    Returns:
        Windows, looks, and a line for each file that could not be used, or is silent.

    Raises:
        CalibrationError: there is no such file or folder, or no media file in it.
    """
    ears = Ears(spec)
    windows: list[Window] = []
    looks: list[Look] = []
    problems: list[str] = []
    for path in _media(paths):
        label = path.parent.name
        before = len(windows) + len(looks)
        reason = "neither sound nor picture"
        try:
            looks += [shown(spec, pixels, label) for pixels in _pictures(path)]
            samples, rate_hz = _sound(path)
            cut = ears.windows(samples, rate_hz, label)
            windows += [cut[i] for i in rng.permutation(len(cut))[:_WINDOWS_PER_FILE]]
            if all(window.label == SILENT for window in cut):
                problems.append(f"{path}: its sound is silent")
        except UsageError as error:
            reason = str(error)
        if len(windows) + len(looks) == before:
            problems.append(f"left out: {path}: {reason}")
    return windows, looks, problems


def _media(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
            continue
        if not path.exists():
            raise CalibrationError(f"there is no {path}; give files with sound or pictures")
        within = sorted(p for p in path.rglob("*") if p.suffix.lower() in MEDIA_SUFFIXES)
        if not within:
            raise CalibrationError(f"{path} holds no media file; give files with sound or pictures")
        yield from within


def _sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """The first two minutes of a file's sound, mono, and their rate."""
    sound = FileSound(str(path), Complaints(str(path)))
    try:
        return sound.read(round(_READ_S * sound.rate_hz)), sound.rate_hz
    finally:
        sound.close()


def _pictures(path: Path) -> list[NDArray[np.uint8]]:
    """Some pictures from a file's first two minutes, ``_APART_S`` apart; none if it has none."""
    pictures = open_file_pictures(str(path), LONGEST_SIDE_PX, Complaints(str(path)))
    if pictures is None:
        return []
    try:
        found: list[NDArray[np.uint8]] = []
        wanted_ns = 0
        while len(found) < _LOOKS_PER_FILE and (at_ns := pictures.peek_ns()) is not None:
            pixels = pictures.take()
            if at_ns >= wanted_ns:
                found.append(pixels)
                wanted_ns = at_ns + round(_APART_S * NS_PER_S)
        return found
    finally:
        pictures.close()
