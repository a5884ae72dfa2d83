"""The virtual band as a part of the bank: seeded phrases of each drawn instrument."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from pixelplayer import band
from training.bank import Bank, Recording

PREFIX = "band_"  # before an instrument's name, where it stands beside real ones
PHRASES = 28  # of each instrument; the last HELD_OUT of them are kept out of training
HELD_OUT = 4
PHRASE_S = 12.0


def open_virtual_bank(cache: Path, rate_hz: int) -> Bank:
    """Render the phrases into ``cache`` unless they are there already, and open them."""
    index, data = cache / f"band-{rate_hz}.json", cache / f"band-{rate_hz}.f16"
    if not index.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _render(index, data, rate_hz)
    entries = tuple(Recording(**entry) for entry in json.loads(index.read_text()))
    samples = np.memmap(data, dtype=np.float16, mode="r")
    return Bank(rate_hz=rate_hz, samples=samples, recordings=entries)


def _render(index: Path, data: Path, rate_hz: int) -> None:
    wanted = [(name, seed) for name in band.INSTRUMENTS for seed in range(PHRASES)]
    recordings: list[Recording] = []
    position = 0
    with ProcessPoolExecutor() as pool, data.open("wb") as out:
        for (name, seed), samples in zip(
            wanted, pool.map(partial(_play, rate_hz=rate_hz), wanted), strict=True
        ):
            out.write(samples.tobytes())
            recordings.append(
                Recording(
                    name=f"{PREFIX}{name}_{seed}",
                    instrument=PREFIX + name,
                    start=position,
                    stop=position + len(samples),
                    held_out=seed >= PHRASES - HELD_OUT,
                    is_phrase=True,
                )
            )
            position += len(samples)
    index.write_text(json.dumps([asdict(recording) for recording in recordings]))


def _play(which: tuple[str, int], rate_hz: int) -> np.ndarray:
    name, seed = which
    samples = band.play(name, seed=10_000 + seed, duration_s=PHRASE_S, rate_hz=rate_hz)
    return (samples / np.abs(samples).max()).astype(np.float16)
