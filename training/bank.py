"""The sample bank: folders of solo sound by class, decoded once into one memory-mapped file.

A bank folder looks like ``solo_audio/<class>/<recording>.<any container>``. Decoding (to mono
float16 at the model's rate, silence trimmed, silent files left out) takes a minute or two and
is cached; training then reads notes and phrases as plain array slices.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

SILENCE = 3e-3  # of the peak: -50 dB; below it a recording's ends carry nothing
LONGEST_S = 60.0  # of one recording: keeps one very long take from filling the bank


@dataclass(frozen=True)
class Recording:
    """One recording in the bank: a half-open range of samples, and what is known about it."""

    name: str
    instrument: str
    start: int
    stop: int
    held_out: bool
    is_phrase: bool  # a real performance, not a single note


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


def held_out(name: str, percent: int = 12) -> bool:
    """Whether a recording or a photograph is kept out of training: a hash of its name decides.

    The rule needs no list: it stays the same when files are added.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


def open_bank(folder: Path, cache: Path, rate_hz: int) -> Bank:
    """Decode ``folder`` into ``cache`` unless it is there already, and open it."""
    index = cache / f"bank-{rate_hz}.json"
    data = cache / f"bank-{rate_hz}.f16"
    if not index.exists():
        cache.mkdir(parents=True, exist_ok=True)
        recordings = list(_decode_all(folder, data, rate_hz))
        index.write_text(json.dumps([asdict(recording) for recording in recordings]))
    entries = tuple(Recording(**entry) for entry in json.loads(index.read_text()))
    samples = np.memmap(data, dtype=np.float16, mode="r")
    return Bank(rate_hz=rate_hz, samples=samples, recordings=entries)


def _decode_all(folder: Path, data: Path, rate_hz: int) -> Iterator[Recording]:
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    if not paths:
        raise FileNotFoundError(f"{folder} holds no <class>/<recording> files")
    position = 0
    with ProcessPoolExecutor() as pool, data.open("wb") as out:
        decoded = pool.map(partial(_decode, rate_hz=rate_hz), paths, chunksize=16)
        for path, samples in zip(paths, decoded, strict=True):
            if samples is None:
                continue
            out.write(samples.tobytes())
            yield Recording(
                name=path.stem,
                instrument=path.parent.name,
                start=position,
                stop=position + len(samples),
                held_out=held_out(_take(path)),
                is_phrase=_is_phrase(path.stem, len(samples) / rate_hz),
            )
            position += len(samples)


def _decode(path: Path, rate_hz: int) -> np.ndarray | None:
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    mono = samples.mean(axis=1)[: int(LONGEST_S * rate)]
    if not len(mono) or not np.isfinite(mono).all():
        return None
    mono = soxr.resample(mono, rate, rate_hz)
    peak = float(np.abs(mono).max())
    if peak < 1e-3:
        return None
    loud = np.flatnonzero(np.abs(mono) > SILENCE * peak)
    trimmed = mono[loud[0] : loud[-1] + 1] / peak
    return trimmed.astype(np.float16) if len(trimmed) > rate_hz // 20 else None


def _take(path: Path) -> str:
    """What must not be on both sides of the split: pieces of one long take share a name."""
    take = path.stem.rsplit("_", 1)[0] if path.stem.startswith("vtallen") else path.stem
    return f"{path.parent.name}/{take}"


def _is_phrase(name: str, duration_s: float) -> bool:
    notes: Sequence[str] = ("fluidr3_", "freepats_", "discordgm_")
    if name.startswith(tuple(notes)):
        return False
    return (
        name.startswith(
            (
                "fsd_",
                "phil_phrase",
                "vtallen",
                "smstools",
                "essentia",
                "librosa",
                "ddsp",
                "audiomentations",
            )
        )
        and duration_s > 1.0
    )


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
