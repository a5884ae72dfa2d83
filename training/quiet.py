"""Objects where nothing plays: a picture of an instrument, and no sound but a room's noise.

Objects are searched for as the player does, whatever sees and hears. In digital silence it looks
for none, so there is noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelplayer.energy import EnergySettings, PixelEnergy
from pixelplayer.objects import ObjectSettings
from pixelplayer.tracking import ObjectTracker
from training.clips import Clip
from training.watching import Watcher

NOISE_DB = (-65.0, -40.0)  # of full scale, RMS
CLIPS = 4  # so many clips long: what is taken for an object at once is one in a longer time
_COLUMNS = 4  # from one search to the next, as in the player


def room_noise(length: int, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """(length,) float32: noise that falls by 0 to 6 dB per octave, at a level from ``NOISE_DB``."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequencies = np.arange(len(spectrum)) + 20.0 * length / rate_hz
    noise = np.fft.irfft(spectrum * frequencies ** -rng.uniform(0, 1), length)
    level = 10 ** (rng.uniform(*NOISE_DB) / 20)
    return (noise * (level / np.sqrt(np.mean(noise**2)))).astype(np.float32)


def false_objects(
    clips: Sequence[Clip], watcher: Watcher, rate_hz: int, rng: np.random.Generator
) -> np.ndarray:
    """Objects per minute ``(n,)`` beside each clip's picture, in noise four times as long as it."""
    rates = []
    for clip in clips:
        noise = room_noise(CLIPS * len(clip.samples), rate_hz, rng)
        rates.append(objects_in(noise, clip.middle, watcher) * 60 * rate_hz / len(noise))
    return np.array(rates)


def objects_in(samples: np.ndarray, picture: np.ndarray, watcher: Watcher) -> int:
    """How many objects the player's search finds in one picture (224, 224, 3) with this sound."""
    (watched,) = watcher.watch(samples, [picture])
    grid = watched.features.shape[1:]
    tracker = ObjectTracker(ObjectSettings(), watcher.scale, *grid)
    energy = PixelEnergy(*grid, EnergySettings())
    power = watcher.power(samples)
    found: set[int] = set()
    for start in range(0, power.shape[1], _COLUMNS):
        part = power[:, start : start + _COLUMNS]
        duration_s = part.shape[1] * watcher.column_s
        gains = watched.gains(start, start + part.shape[1])
        # Where the spectrum is regressed it may exceed the mixture.
        heat = energy.update(np.minimum(gains, 1, dtype=np.float32), part, duration_s)
        found |= {item.id for item in tracker.step(watched.features, heat, duration_s)}
    return len(found)
