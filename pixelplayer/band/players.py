"""Who plays what: each instrument's voice and manner, and finished performances at level."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from pixelplayer.band.body import Samples
from pixelplayer.band.mallets import struck
from pixelplayer.band.score import Manner, Note, melody, random_key
from pixelplayer.band.strings import bowed, plucked
from pixelplayer.band.winds import brass, flute

PEAK = 0.5
LEVEL = 0.08  # RMS of the sounding parts, full scale = 1

Voice = Callable[[Sequence[Note], int, int, np.random.Generator], Samples]


@dataclass(frozen=True, slots=True)
class Player:
    """An instrument's sound and the manner in which it is usually played."""

    voice: Voice
    manner: Manner


PLAYERS: Mapping[str, Player] = MappingProxyType(
    {
        "guitar": Player(plucked, Manner(43, 72, 0.8, 1.15, 0.3)),
        "violin": Player(bowed, Manner(57, 86, 1.1, 0.98, 0.0)),
        "trumpet": Player(brass, Manner(55, 80, 1.0, 0.85, 0.0)),
        "flute": Player(flute, Manner(62, 91, 1.0, 0.95, 0.0)),
        "marimba": Player(struck, Manner(48, 81, 0.7, 0.6, 0.15)),
    }
)
INSTRUMENTS: tuple[str, ...] = tuple(PLAYERS)


def player(instrument: str) -> Player:
    """The player of ``instrument``. Raises ``ValueError`` that names those there are."""
    if instrument not in PLAYERS:
        raise ValueError(f"no instrument {instrument!r} in the band: {', '.join(INSTRUMENTS)}")
    return PLAYERS[instrument]


def generator(seed: int, instrument: str) -> np.random.Generator:
    """Random numbers of one player: the same for the same seed and instrument, everywhere."""
    return np.random.default_rng([seed, zlib.crc32(instrument.encode())])


def play(instrument: str, seed: int, duration_s: float, rate_hz: int) -> Samples:
    """A seeded solo phrase, float32 ``(round(duration_s * rate_hz),)``, peak at most 0.5.

    Raises ``ValueError`` on an unknown instrument or a duration or rate that holds no tone.
    """
    rng = generator(seed, instrument)
    notes = melody(rng, player(instrument).manner, random_key(rng), duration_s)
    return perform(instrument, notes, rng, duration_s, rate_hz)


def perform(
    instrument: str,
    notes: Sequence[Note],
    rng: np.random.Generator,
    duration_s: float,
    rate_hz: int,
) -> Samples:
    """``notes`` on ``instrument``, float32 ``(round(duration_s * rate_hz),)``.

    Levelled to an RMS of 0.08 where it sounds, unless the peak would pass 0.5. Both ends are
    faded over 5 ms, so that a phrase cut short does not click. Raises as ``play`` does.
    """
    length = _length(duration_s, rate_hz)
    samples = player(instrument).voice(notes, length, rate_hz, rng)
    samples *= np.float32(_gain(samples))
    fade = round(0.005 * rate_hz)
    ramp = (np.arange(fade, dtype=np.float32) / fade).astype(np.float32)
    samples[:fade] *= ramp
    samples[-fade:] *= ramp[::-1]
    return samples


def perform_loop(
    instrument: str,
    notes: Sequence[Note],
    rng: np.random.Generator,
    duration_s: float,
    rate_hz: int,
) -> Samples:
    """As ``perform``, to be repeated without a seam: what rings beyond the end is at the start."""
    length = _length(duration_s, rate_hz)
    ringing = player(instrument).voice(notes, length + min(length, 3 * rate_hz), rate_hz, rng)
    samples: Samples = ringing[:length].copy()
    samples[: ringing.size - length] += ringing[length:]
    samples *= np.float32(_gain(samples))
    return samples


def _length(duration_s: float, rate_hz: int) -> int:
    length = round(duration_s * rate_hz)
    if rate_hz < 4000 or length < rate_hz // 20:
        raise ValueError(
            f"a phrase needs 50 ms at 4000 Hz or more, got {duration_s} s at {rate_hz} Hz"
        )
    return length


def _gain(samples: Samples) -> float:
    peak = float(np.abs(samples).max())
    if peak == 0.0:
        return 0.0
    power = samples.astype(np.float64) ** 2
    sounding = power[power > (0.01 * peak) ** 2]
    return min(LEVEL / float(np.sqrt(sounding.mean())), 0.98 * PEAK / peak)
