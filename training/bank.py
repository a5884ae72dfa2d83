"""The sample bank: folders of solo sound by class, decoded once into one memory-mapped file.

A bank folder looks like ``solo_audio/<class>/<recording>.<any container>``, one of ensembles like
``ensembles/<set>/<piece>_<class>.<any container>``, a file for each player. Decoding (to mono
float16 at the model's rate; of solos silence is trimmed and silent files are left out) takes a
minute or two and is cached, for each bank; training then reads notes and phrases as plain array
slices. Files that are added, or changed, are heard at the next start: the cache is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
import soxr

from training.commands import UnusableError
from training.recordings import Bank, Decoded, Recording, kept, nothing
from training.sources import (
    is_performance,
    piece_and_instrument,
    pieces_kept_out,
    recording_is_held_out,
)

SILENCE = 3e-3  # of the peak: -50 dB; below it a recording's ends carry nothing
LONGEST_S = 60.0  # of one recording: keeps one very long take from filling the bank
LEAST_PEAK = 1e-3  # of a recording that is not silent


def open_bank(folder: Path, cache: Path, rate_hz: int) -> Bank:
    """Decode the solos of ``folder`` into ``cache`` unless it is there already, and open it.

    Raises:
        UnusableError: there are none.
        TrainingError: the disk does not take them.
    """
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    if not paths:
        raise UnusableError(
            f"{folder} holds no <class>/<recording> files; put solos there, as docs/models.md says"
        )
    base = cache / f"solos-{rate_hz}-{_which(folder)}"
    return kept(base, _state(paths), rate_hz, partial(_solos, paths, rate_hz))


def open_ensembles(folder: Path, cache: Path, rate_hz: int) -> Bank:
    """The players of ``folder``'s ensembles, each an instrument's phrase and a part of a piece.

    A folder that is not there is an empty bank.

    Raises:
        TrainingError: the disk does not take them.
    """
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    if not paths:
        return nothing(rate_hz)
    base = cache / f"ensembles-{rate_hz}-{_which(folder)}"
    return kept(base, _state(paths), rate_hz, partial(_parts, paths, rate_hz))


def open_players(data: Path, cache: Path, rate_hz: int) -> Bank:
    """All real sound of a data folder: ``solo_audio``, and ``ensembles`` if there are any.

    Raises:
        UnusableError: there are no solos.
        TrainingError: the disk does not take them.
    """
    return merge(
        open_bank(data / "solo_audio", cache, rate_hz),
        open_ensembles(data / "ensembles", cache, rate_hz),
    )


def _which(folder: Path) -> str:
    """A bank's own part of a name in the cache, so that another bank's is another."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]


def _state(paths: Sequence[Path]) -> str:
    """Of the files by name, size and time of change: another one where any is another."""
    digest = hashlib.sha256()
    for path in paths:
        is_now = path.stat()
        digest.update(f"{path} {is_now.st_size} {is_now.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _solos(paths: Sequence[Path], rate_hz: int) -> Iterator[Decoded | Path]:
    for path, mono in _decoded(paths, rate_hz):
        samples = None if mono is None else _trimmed(mono)
        if samples is None or len(samples) <= rate_hz // 20:
            yield path
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


def _parts(paths: Sequence[Path], rate_hz: int) -> Iterator[Decoded | Path]:
    for _, ensemble in groupby(paths, key=lambda path: path.parent):
        files = list(ensemble)
        kept_out = pieces_kept_out(sorted({piece_and_instrument(path)[0] for path in files}))
        for path, mono in _decoded(files, rate_hz):
            if mono is None:
                yield path
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
