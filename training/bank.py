"""The sample bank: folders of solo sound by class, decoded once into one memory-mapped file.

A bank folder looks like ``solo_audio/<class>/<recording>.<any container>``, one of ensembles like
``ensembles/<set>/<piece>_<class>.<any container>``, a file for each player. Decoding (to mono
float16 at the model's rate; of solos silence is trimmed and silent files are left out) takes a
minute or two and is cached; training then reads notes and phrases as plain array slices.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

from training.sources import (
    is_performance,
    piece_and_instrument,
    pieces_kept_out,
    recording_is_held_out,
)

SILENCE = 3e-3  # of the peak: -50 dB; below it a recording's ends carry nothing
LONGEST_S = 60.0  # of one recording: keeps one very long take from filling the bank
LEAST_PEAK = 1e-3  # of a recording that is not silent


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


_Decoded = tuple[Recording, np.ndarray]  # its place not yet known, and (samples,) float16


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


def open_bank(folder: Path, cache: Path, rate_hz: int) -> Bank:
    """Decode the solos of ``folder`` into ``cache`` unless it is there already, and open it.

    Raises:
        FileNotFoundError: there are none.
    """
    if not any(folder.glob("*/*")):
        raise FileNotFoundError(f"{folder} holds no <class>/<recording> files")
    return _open(cache / f"solos-{rate_hz}", rate_hz, partial(_solos, folder, rate_hz))


def open_ensembles(folder: Path, cache: Path, rate_hz: int) -> Bank:
    """The players of ``folder``'s ensembles, each an instrument's phrase and a part of a piece.

    A folder that is not there is an empty bank.
    """
    return _open(cache / f"ensembles-{rate_hz}", rate_hz, partial(_parts, folder, rate_hz))


def open_players(data: Path, cache: Path, rate_hz: int) -> Bank:
    """All real sound of a data folder: ``solo_audio``, and ``ensembles`` if there are any.

    Raises:
        FileNotFoundError: there are no solos.
    """
    return merge(
        open_bank(data / "solo_audio", cache, rate_hz),
        open_ensembles(data / "ensembles", cache, rate_hz),
    )


def _open(base: Path, rate_hz: int, decode: Callable[[], Iterator[_Decoded]]) -> Bank:
    index, data = base.with_name(base.name + ".json"), base.with_name(base.name + ".f16")
    if not index.exists():
        base.parent.mkdir(parents=True, exist_ok=True)
        recordings, position = [], 0
        with data.open("wb") as out:
            for recording, samples in decode():
                out.write(samples.tobytes())
                stop = position + len(samples)
                recordings.append(replace(recording, start=position, stop=stop))
                position = stop
        index.write_text(json.dumps([asdict(recording) for recording in recordings]))
    entries = tuple(Recording(**entry) for entry in json.loads(index.read_text()))
    empty = np.zeros(0, np.float16)  # a file of no bytes cannot be mapped
    samples = np.memmap(data, dtype=np.float16, mode="r") if entries else empty
    return Bank(rate_hz=rate_hz, samples=samples, recordings=entries)


def _solos(folder: Path, rate_hz: int) -> Iterator[_Decoded]:
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    for path, mono in _decoded(paths, rate_hz):
        samples = None if mono is None else _trimmed(mono)
        if samples is None or len(samples) <= rate_hz // 20:
            continue
        instrument, name = path.parent.name, path.stem
        yield (
            Recording(
                name=name,
                instrument=instrument,
                start=0,
                stop=0,
                held_out=recording_is_held_out(instrument, name),
                is_phrase=is_performance(name, len(samples) / rate_hz),
            ),
            samples,
        )


def _parts(folder: Path, rate_hz: int) -> Iterator[_Decoded]:
    for ensemble in sorted(path for path in folder.glob("*") if path.is_dir()):
        paths = sorted(path for path in ensemble.glob("*") if path.is_file())
        kept_out = pieces_kept_out(sorted({piece_and_instrument(path)[0] for path in paths}))
        for path, mono in _decoded(paths, rate_hz):
            if mono is None:
                continue
            piece, instrument = piece_and_instrument(path)
            yield (
                Recording(
                    name=path.stem,
                    instrument=instrument,
                    start=0,
                    stop=0,
                    held_out=piece in kept_out,
                    is_phrase=True,
                    piece=piece,
                ),
                (mono / np.abs(mono).max()).astype(np.float16),
            )


def _decoded(paths: Sequence[Path], rate_hz: int) -> Iterator[tuple[Path, np.ndarray | None]]:
    with ProcessPoolExecutor() as pool:
        mono = pool.map(partial(_decode, rate_hz=rate_hz), paths, chunksize=16)
        yield from zip(paths, mono, strict=True)


def _decode(path: Path, rate_hz: int) -> np.ndarray | None:
    """(samples,) float32, or None if it is broken or silent."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    mono = samples.mean(axis=1)[: int(LONGEST_S * rate)]
    if not len(mono) or not np.isfinite(mono).all():
        return None
    mono = soxr.resample(mono, rate, rate_hz)
    return mono if np.abs(mono).max() >= LEAST_PEAK else None


def _trimmed(mono: np.ndarray) -> np.ndarray:
    """Without the silence at its ends, peak 1, float16."""
    peak = float(np.abs(mono).max())
    loud = np.flatnonzero(np.abs(mono) > SILENCE * peak)
    trimmed: np.ndarray = (mono[loud[0] : loud[-1] + 1] / peak).astype(np.float16)
    return trimmed


def merge(first: Bank, second: Bank) -> Bank:
    """Both banks as one. The samples are copied into memory once, as float16.

    Raises:
        ValueError: their rates differ.
    """
    if first.rate_hz != second.rate_hz:
        raise ValueError(f"banks of {first.rate_hz} and {second.rate_hz} Hz cannot be merged")
    offset = len(first.samples)
    moved = tuple(
        replace(recording, start=recording.start + offset, stop=recording.stop + offset)
        for recording in second.recordings
    )
    return Bank(
        rate_hz=first.rate_hz,
        samples=np.concatenate([first.samples, second.samples]),
        recordings=first.recordings + moved,
    )
