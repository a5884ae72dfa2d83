"""Recordings by class in one memory-mapped file, decoded or rendered once and kept in a cache.

Beside the samples lies an index: the recordings, and the state of what they were made of. Where
that is another now (files were added, or changed), they are made anew.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from training.whole import whole, write_text

_NAMED = 3  # files that are left out


@dataclass(frozen=True)
class Recording:
    """One recording in the bank: a half-open range of samples, and what is known about it."""

    name: str
    instrument: str
    start: int
    stop: int
    held_out: bool
    is_phrase: bool  # a real performance, not a single note
    piece: str = ""  # that it is one player's part of; all parts begin together


@dataclass(frozen=True)
class Bank:
    """Every usable recording, by class. ``samples`` is a memory map, (total,) float16."""

    rate_hz: int
    samples: np.ndarray
    recordings: tuple[Recording, ...]

    def instruments(self) -> list[str]:
        """The classes, sorted."""
        return sorted({recording.instrument for recording in self.recordings})

    def select(self, instrument: str, *, held_out: bool) -> list[Recording]:
        """The recordings of one class on one side of the split."""
        return [
            recording
            for recording in self.recordings
            if recording.instrument == instrument and recording.held_out == held_out
        ]

    def read(self, recording: Recording) -> np.ndarray:
        """One recording's samples, float32, peak 1."""
        return self.samples[recording.start : recording.stop].astype(np.float32)


Decoded = tuple[Recording, np.ndarray]  # its place not yet known, and (samples,) float16
Decode = Callable[[], Iterator[Decoded | Path]]  # a path is a file that cannot be used


def kept(base: Path, state: str, rate_hz: int, decode: Decode) -> Bank:
    """What is kept at ``base`` (``.json`` and ``.f16``), made by ``decode`` unless it is there.

    Args:
        base: of whatever is decoded; other material has another one.
        state: of that material, compared with what it was when it was decoded.
        rate_hz: of the samples.
        decode: gives the recordings in order.

    Raises:
        TrainingError: the disk does not take it; what was there is left.
    """
    data = base.with_name(base.name + ".f16")
    recordings = _index(base, state)
    if recordings is None:
        print(f"{data} is made, once: that takes a while", file=sys.stderr)
        recordings = _decoded(base, decode)
        entries = [asdict(recording) for recording in recordings]
        # Last of all: while it is missing, or of another state, the samples count for nothing.
        write_text(_index_path(base), json.dumps({"state": state, "recordings": entries}))
    if not recordings:  # a file of no bytes cannot be mapped
        return nothing(rate_hz)
    samples = np.memmap(data, dtype=np.float16, mode="r")
    return Bank(rate_hz=rate_hz, samples=samples, recordings=tuple(recordings))


def nothing(rate_hz: int) -> Bank:
    """A bank without recordings."""
    return Bank(rate_hz=rate_hz, samples=np.zeros(0, np.float16), recordings=())


def _index_path(base: Path) -> Path:
    return base.with_name(base.name + ".json")


def _index(base: Path, state: str) -> list[Recording] | None:
    """The recordings that are kept, or None if they are not there, broken, or of another state."""
    try:
        values = json.loads(_index_path(base).read_text(encoding="utf-8"))
        recordings = [Recording(**entry) for entry in values["recordings"]]
        size = base.with_name(base.name + ".f16").stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return None
    is_whole = size == 2 * (recordings[-1].stop if recordings else 0)
    return recordings if is_whole and values["state"] == state else None


def _decoded(base: Path, decode: Decode) -> list[Recording]:
    recordings: list[Recording] = []
    left_out: list[Path] = []
    position = 0
    with whole(base.with_name(base.name + ".f16")) as part, part.open("wb") as out:
        for one in decode():
            if isinstance(one, Path):
                left_out.append(one)
                continue
            recording, samples = one
            out.write(samples.tobytes())
            stop = position + len(samples)
            recordings.append(replace(recording, start=position, stop=stop))
            position = stop
    if left_out:
        names = ", ".join(str(path) for path in left_out[:_NAMED])
        more = ", …" if len(left_out) > _NAMED else ""
        files = len(recordings) + len(left_out)
        print(
            f"{len(left_out)} of {files} files are broken, silent or too short and left out: "
            f"{names}{more}",
            file=sys.stderr,
        )
    return recordings
