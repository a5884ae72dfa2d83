"""A recorded session, opened: its streams by name, read as they are needed."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import UsageError
from realtime.sinks.session import read_contents

Floats = NDArray[np.float32]
RESIDUAL = "residual"
MIXTURE = "mixture.wav"
_FLOAT = 3  # a format's tag
_HIGHEST_RATE_HZ = 768_000
_NO_SESSION = (ValueError, KeyError, TypeError, IndexError, OverflowError)
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One stream. ``number`` as it was shown, 0 of the residual; ``pan`` -1 (left) to 1."""

    number: int
    name: str
    pan: float
    samples: Floats  # (n,), a memory map


@dataclass(frozen=True, slots=True)
class Recorded:
    """A session's folder. All tracks are as long."""

    folder: Path
    rate_hz: int
    tracks: tuple[Track, ...]  # the residual last

    @property
    def samples(self) -> int:
        """How long it is."""
        return len(self.tracks[-1].samples)

    @property
    def picture(self) -> Path | None:
        """The movie with the outlines, if one was recorded."""
        path = self.folder / "overlay.mp4"
        return path if path.exists() else None


def open_recorded(folder: Path) -> Recorded:
    """Open what ``--record`` wrote; also what was cut off by a kill.

    Raises:
        UsageError: it is no such folder, or one of its files is missing or broken.
    """
    path = folder / "session.json"
    try:
        entries = [_entry(said) for said in read_contents(folder)["objects"]]
    except OSError as error:
        raise UsageError(
            f"{folder} holds no recorded session ({path.name}: {error.strerror}); record one: "
            f"python run_live.py --demo --record {folder}"
        ) from error
    except _NO_SESSION as error:
        raise UsageError(f"{path} is no session of this player ({error!r:.200})") from error
    rates_hz = set()
    tracks = []
    for number, name, pan, file in entries:
        rate_hz, samples = read_wav(folder / file)
        rates_hz.add(rate_hz)
        tracks.append(Track(number, name or f"object {number}", pan, samples))
    rate_hz, samples = read_wav(folder / f"{RESIDUAL}.wav")
    tracks.append(Track(0, RESIDUAL, 0.0, samples))
    if rates_hz - {rate_hz}:
        raise UsageError(f"{folder}: its files have different rates ({rates_hz | {rate_hz}})")
    length = min(len(track.samples) for track in tracks)  # a kill cuts each somewhere else
    return Recorded(
        folder,
        rate_hz,
        tuple(Track(one.number, one.name, one.pan, one.samples[:length]) for one in tracks),
    )


def _entry(said: Any) -> tuple[int, str, float, str]:
    """An object's number, name, pan and file; raises one of ``_NO_SESSION``."""
    pan = min(max(2 * float(said["centroid"][0]) - 1, -1.0), 1.0)
    if math.isnan(pan):
        raise ValueError("an object's place is no number")
    file = str(said["file"])
    if Path(file).name != file or not file.isprintable():
        raise ValueError(f"{file!r} is not in the session's folder")
    return int(said["id"]), str(said["name"]), pan, file


def read_wav(path: Path) -> tuple[int, Floats]:
    """Rate and samples (n,), a memory map, of a mono float32 WAV or RF64 file.

    Of a file that was cut off: what is there.

    Raises:
        UsageError: it is missing, or of another kind.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            kind = file.read(12)
            rate_hz = 0
            while kind[:4] in (b"RIFF", b"RF64") and kind[8:] == b"WAVE":
                name, length = _CHUNK.unpack(file.read(_CHUNK.size))
                start = file.tell()
                if name == b"fmt ":
                    tag, channels, rate_hz, _, _, bits = _FORMAT.unpack(file.read(_FORMAT.size))
                    if (tag, channels, bits) != (_FLOAT, 1, 32) or rate_hz > _HIGHEST_RATE_HZ:
                        break
                if name == b"data" and rate_hz:
                    # RF64 and a file that still grew say the largest number, or too little.
                    count = (size - start) // 4
                    if not count:
                        return rate_hz, np.zeros(0, np.float32)
                    samples = np.memmap(path, "<f4", "r", offset=start, shape=(count,))
                    return rate_hz, samples
                file.seek(start + length + length % 2)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error
    except struct.error:
        pass
    raise UsageError(f"{path} is no mono float32 WAV file, as --record writes them")
