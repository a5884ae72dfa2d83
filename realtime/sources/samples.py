"""What every source does with raw samples before anybody else sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.clock import NS_PER_S


def chunk_samples(rate_hz: int, chunks_per_s: int) -> int:
    """Samples in one chunk of about so much of a second."""
    return max(1, round(rate_hz / chunks_per_s))


def samples_ns(samples: int, rate_hz: int) -> int:
    """How long ``samples`` last, in nanoseconds, rounded down."""
    return samples * NS_PER_S // rate_hz


def to_float(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Samples of any type as float32 in -1..1, same shape, always a new array.

    Unsigned bytes are centred on 128, integers are divided by their largest magnitude.
    """
    if samples.dtype == np.uint8:
        return ((samples - 128.0) / 128.0).astype(np.float32)
    if samples.dtype.kind == "i":
        full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1)
        return (samples / full_scale).astype(np.float32)
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        return samples.astype(np.float32)


def silence_broken(samples: NDArray[np.float32]) -> int:
    """Set NaN and infinite samples to 0, in place; returns how many there were."""
    broken = ~np.isfinite(samples)
    count = int(np.count_nonzero(broken))
    if count:
        samples[broken] = 0.0
    return count


def mono(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of ``channels`` (channels, n): float32 (n,)."""
    mean: NDArray[np.float64] = channels.mean(axis=0, dtype=np.float64)
    return mean.astype(np.float32)
