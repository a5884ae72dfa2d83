"""Strings: plucked (a digital waveguide) and bowed (Helmholtz motion)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pixelplayer.band.body import Body, Mode, Samples
from pixelplayer.band.score import Note
from pixelplayer.band.tone import harmonics, read_table, swell, vibrato_cycles, wavetable

_GUITAR_BODY = Body(
    direct=0.75,
    modes=(Mode(102.0, 9.0, 1.3), Mode(205.0, 12.0, 1.2), Mode(390.0, 8.0, 0.7)),
    low_hz=55.0,
    high_hz=5200.0,
)
_VIOLIN_BODY = Body(
    direct=0.5,
    modes=(
        Mode(275.0, 9.0, 0.8),
        Mode(460.0, 10.0, 0.8),
        Mode(560.0, 9.0, 0.7),
        Mode(1050.0, 5.0, 0.7),
        Mode(2450.0, 2.2, 1.3),
    ),
    low_hz=120.0,
    high_hz=6000.0,
)


def plucked(notes: Sequence[Note], length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """A guitar: one waveguide per note (extended Karplus-Strong), then the body. ``(length,)``."""
    string = _String(
        place=float(rng.uniform(0.12, 0.28)),
        softness=float(rng.uniform(0.8, 1.3)),
        ring_s=float(rng.uniform(1.8, 3.5)),
    )
    samples = np.zeros(length, dtype=np.float32)
    for note in notes:
        start = round(note.start_s * rate_hz)
        room = min(length - start, round((note.duration_s + 0.35) * rate_hz))
        if room < 16:
            continue
        tone = string.pluck(note, room, rate_hz, rng)
        tone *= swell(room, rate_hz, 0.001, 0.3)
        samples[start : start + room] += np.float32(note.loudness**1.3) * tone
    return _GUITAR_BODY.varied(rng).respond(samples, rate_hz)


def bowed(notes: Sequence[Note], length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """A violin: Helmholtz motion with bow noise and vibrato, then the body. ``(length,)``.

    The stick-slip oscillation is not simulated sample by sample: its steady state, the corner
    that travels round the string, is known to be a sawtooth at the bridge.
    """
    contact = float(rng.uniform(0.07, 0.13))  # where the bow touches, fraction of the string
    vibrato = (float(rng.uniform(5.0, 6.3)), float(rng.uniform(10.0, 24.0)), 0.12)
    rosin = float(rng.uniform(0.05, 0.11))
    samples = np.zeros(length, dtype=np.float32)
    for note in notes:
        start = round(note.start_s * rate_hz)
        room = min(length - start, round((note.duration_s + 0.12) * rate_hz))
        if room < 16:
            continue
        number = harmonics(note.frequency_hz, rate_hz)
        cut_hz = 2600.0 + 5600.0 * note.loudness
        amplitudes = np.abs(np.sinc(number * contact)) ** 0.4 / number**0.75
        amplitudes *= np.exp(-number * note.frequency_hz / cut_hz)
        table = wavetable(amplitudes, np.zeros(number.size))
        cycles = vibrato_cycles(note.frequency_hz, room, rate_hz, vibrato, 8.0)
        tone = read_table(table, cycles)
        # The bow scrapes: noise is strongest while the string slips, once per period.
        scrape = rng.standard_normal(room, dtype=np.float32)
        tone += np.float32(rosin) * scrape * (0.35 + np.abs(tone))
        attack_s = 0.1 - 0.06 * note.loudness
        tone *= swell(room, rate_hz, attack_s, 0.11)
        samples[start : start + room] += np.float32(note.loudness) * tone
    return _VIOLIN_BODY.varied(rng).respond(samples, rate_hz)


@dataclass(frozen=True, slots=True)
class _String:
    """Where it is plucked (fraction of its length), how soft the finger, seconds to -60 dB."""

    place: float
    softness: float
    ring_s: float

    def pluck(self, note: Note, length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
        """A lossy waveguide ``(length,)``: each period is the one before, duller.

        The loop is a symmetric low-pass and a third-order Lagrange fractional delay. A period is
        computed from the one before at once, so Python's loop runs per period, not per sample.
        """
        period = rate_hz / note.frequency_hz
        dull = min(0.24, 0.03 * self.softness * (rate_hz / 44100.0) ** 2)
        taps = np.convolve([dull, 1.0 - 2.0 * dull, dull], _lagrange(period - int(period)))
        taps *= 10.0 ** (-3.0 * period / rate_hz / self.ring_s)
        taps = taps.astype(np.float32)
        # The low-pass delays by 1 sample and the interpolator by 1 + fraction.
        block = max(1, int(period) - 2)
        reach = block + taps.size - 1
        string = np.zeros(reach + length + block, dtype=np.float32)
        shape = self._shape(note, period, rng)[:length]
        string[reach : reach + shape.size] = shape
        for start in range(reach, reach + length, block):
            past = string[start - reach : start]
            string[start : start + block] += np.convolve(past, taps, "valid")
        return string[reach : reach + length]

    def _shape(self, note: Note, period: float, rng: np.random.Generator) -> Samples:
        """The first period at the bridge of a string pulled aside and let go, RMS 1."""
        number = np.arange(1.0, min(90, int(0.45 * period)) + 1.0)
        cut_hz = (900.0 + 4200.0 * note.loudness) / self.softness
        amplitudes = np.sin(np.pi * number * self.place) / number**0.75
        amplitudes *= np.exp(-number * note.frequency_hz / cut_hz)
        time = np.arange(int(period)) / period
        shape = amplitudes @ np.sin(2.0 * np.pi * np.outer(number, time))
        shape += 0.04 * rng.standard_normal(shape.size) * np.abs(shape).max()
        shape /= np.sqrt(np.mean(shape**2)) + 1e-9
        return shape.astype(np.float32)


def _lagrange(fraction: float) -> npt.NDArray[np.float64]:
    """Four taps that delay by ``1 + fraction`` samples."""
    delay = 1.0 + fraction
    nodes = np.arange(4.0)
    return np.array([np.prod([(delay - m) / (k - m) for m in nodes if m != k]) for k in nodes])
