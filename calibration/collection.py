"""What quantisation is calibrated with: windows of sound and pictures, as the networks get them.

A few hundred kilobytes to a few megabytes: log magnitudes as float16, pictures as bytes. Which of
all that was met are kept is decided by level and label: a range that is rarely used still has to
fit, and a set of one kind of thing would fit that alone.
"""

from __future__ import annotations

import errno
import os
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.model import Model
from pixelplayer.spec import USUAL

LEVEL_STEP_DB = 12.0  # windows of one label within such a step count as alike
SILENT = "silence"
SILENCE_DB = -80.0  # a window below this is silent
MOST_BYTES = 1 << 30  # unpacked; a set of a thousand windows and pictures is 200 MB
_COLOURS = 3
# What damaged archives make the libraries raise.
_UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)


class CalibrationError(RuntimeError):
    """There is nothing to calibrate with, or it is unfit; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One input of the sound network: ``log_magnitude`` (F, T) float32, and what sounds."""

    log_magnitude: NDArray[np.float32]
    label: str

    @property
    def level_db(self) -> float:
        """Root mean square of the magnitudes, in decibels."""
        power = np.exp(2 * self.log_magnitude.astype(np.float64)).mean()
        return float(10 * np.log10(power + 1e-20))

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing in it to learn a range from."""
        return self.level_db < SILENCE_DB


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One input of the visual network: ``picture`` (3, H, W) float32 in [0, 1], and its label."""

    picture: NDArray[np.float32]
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A calibration set: ``log_magnitudes`` (m, F, T) float32, ``pictures`` (n, 3, H, W) float32.

    Pictures are in [0, 1] and exposed; ``prepared`` for networks that want ImageNet's.
    """

    log_magnitudes: NDArray[np.float32]
    pictures: NDArray[np.float32]

    def write(self, path: Path) -> None:
        """Keep it as one file.

        Raises:
            CalibrationError: it cannot be written.
        """
        try:
            with path.open("wb") as file:
                np.savez_compressed(
                    file,
                    log_magnitudes=self.log_magnitudes.astype(np.float16),
                    pictures=np.round(self.pictures * 255).astype(np.uint8),
                )
        except OSError as error:
            raise _not_written(path, error) from error

    def check_fits(self, model: Model, path: Path) -> None:
        """See that it was collected for networks that take what these take.

        Raises:
            CalibrationError: windows or pictures are of another size; ``path`` is what is named.
        """
        spec = model.spec
        cells = spec.vision.grid_for(*USUAL)
        sizes = (
            (
                *("windows", self.log_magnitudes.shape[1:]),
                (spec.audio.frequency_bins, spec.audio.columns),
            ),
            (
                *("pictures", self.pictures.shape[2:]),
                tuple(count * spec.vision.stride_px for count in cells),
            ),
        )
        for what, found, wanted in sizes:
            if found != wanted:
                raise CalibrationError(
                    f"{path} is of another model: its {what} are {_size(found)}, and {spec.name} "
                    f"takes {_size(wanted)}; make its own: python -m calibration collect "
                    f"--model {model.folder} --band 24 --out {path}"
                )

    @classmethod
    def read(cls, path: Path) -> Collection:
        """What ``write`` has kept.

        Raises:
            CalibrationError: it is missing or no such file, or there is nothing in it but silence.
        """
        again = f"make a new one: python -m calibration collect --band 24 --out {path}"
        try:
            log_magnitudes, pictures = _read(path)
        except FileNotFoundError:
            raise CalibrationError(
                f"{path} is missing; make it: python -m calibration collect --band 24 --out {path}"
            ) from None
        except _UNREADABLE as error:
            raise CalibrationError(f"{path} is no calibration set ({error}); {again}") from error
        found = cls(
            log_magnitudes=log_magnitudes.astype(np.float32),
            pictures=pictures.astype(np.float32) / 255,
        )
        if not (found.log_magnitudes.size and found.pictures.size):
            raise CalibrationError(f"{path} has no windows, or no pictures; {again}")
        if all(Window(log_magnitude=one, label="").is_silent for one in found.log_magnitudes):
            raise CalibrationError(
                f"{path}: all {len(found.log_magnitudes)} windows are silent, and ranges cannot be "
                f"learned from silence; {again}"
            )
        return found


def check_place(path: Path) -> None:
    """See that a set can be written, before it is collected.

    Raises:
        CalibrationError: it cannot; the message says why.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError) -> CalibrationError:
    return CalibrationError(f"{path} cannot be written: {error.strerror}; give another --out")


def _size(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _read(path: Path) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """Both arrays as they are kept; raises one of ``_UNREADABLE``."""
    with zipfile.ZipFile(path) as archive:
        unpacked_bytes = sum(entry.file_size for entry in archive.infolist())
    if unpacked_bytes > MOST_BYTES:
        raise ValueError(f"unpacked it has more than {MOST_BYTES >> 20} MB")
    with np.load(path, allow_pickle=False) as kept:
        log_magnitudes, pictures = kept["log_magnitudes"], kept["pictures"]
    if log_magnitudes.dtype != np.float16 or log_magnitudes.ndim != 3:
        raise ValueError("its windows are no windows")
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[1] != _COLOURS:
        raise ValueError("its pictures are no pictures")
    if not np.isfinite(log_magnitudes).all():
        raise ValueError("its windows hold what is no number")
    return log_magnitudes, pictures


def stratified(
    windows: Sequence[Window], looks: Sequence[Look], most: int, rng: np.random.Generator
) -> Collection:
    """Up to ``most`` of each, as even over labels and levels as what was met allows.

    Raises:
        CalibrationError: no window has sound in it, or there is no picture.
    """
    if not looks:
        raise CalibrationError("no picture was met; give files that have pictures")
    if all(window.label == SILENT for window in windows):
        raise CalibrationError(
            f"all {len(windows)} windows are silent: ranges cannot be learned from silence; "
            "give files that have sound, or --band"
        )
    kept = _evenly(
        [(window.label, round(window.level_db / LEVEL_STEP_DB)) for window in windows], most, rng
    )
    seen = _evenly([(look.label, 0) for look in looks], most, rng)
    return Collection(
        log_magnitudes=np.stack([windows[index].log_magnitude for index in kept]),
        pictures=np.stack([looks[index].picture for index in seen]),
    )


def _evenly(kinds: Sequence[tuple[str, int]], most: int, rng: np.random.Generator) -> list[int]:
    """Indices: one of each kind in turn, until there are ``most`` or no more."""
    of_kind: dict[tuple[str, int], list[int]] = {}
    for index in rng.permutation(len(kinds)):
        of_kind.setdefault(kinds[index], []).append(int(index))
    chosen: list[int] = []
    while len(chosen) < most and any(of_kind.values()):
        for indices in of_kind.values():
            if indices and len(chosen) < most:
                chosen.append(indices.pop())
    return sorted(chosen)
