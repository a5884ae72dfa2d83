"""The virtual band as a part of the bank: seeded phrases of each drawn instrument."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from pixelplayer import band
from training.recordings import Bank, Decoded, Recording, kept

PREFIX = "band_"  # before an instrument's name, where it stands beside real ones
PHRASES = 28  # of each instrument; the last HELD_OUT of them are kept out of training
HELD_OUT = 4
PHRASE_S = 12.0


def open_virtual_bank(cache: Path, rate_hz: int) -> Bank:
    """Render the phrases into ``cache`` unless they are there already, and open them.

    Raises:
        TrainingError: the disk does not take them.
    """
    state = f"{band.INSTRUMENTS} {PHRASES} {HELD_OUT} {PHRASE_S}"
    return kept(cache / f"virtual-band-{rate_hz}", state, rate_hz, partial(_rendered, rate_hz))


def _rendered(rate_hz: int) -> Iterator[Decoded]:
    wanted = [(name, seed) for name in band.INSTRUMENTS for seed in range(PHRASES)]
    with ProcessPoolExecutor() as pool:
        played = pool.map(partial(_play, rate_hz=rate_hz), wanted)
        for (name, seed), samples in zip(wanted, played, strict=True):
            yield (
                Recording(
                    name=f"{PREFIX}{name}_{seed}",
                    instrument=PREFIX + name,
                    start=0,
                    stop=0,
                    held_out=seed >= PHRASES - HELD_OUT,
                    is_phrase=True,
                ),
                samples,
            )


def _play(which: tuple[str, int], rate_hz: int) -> np.ndarray:
    name, seed = which
    samples = band.play(name, seed=10_000 + seed, duration_s=PHRASE_S, rate_hz=rate_hz)
    return (samples / np.abs(samples).max()).astype(np.float16)
