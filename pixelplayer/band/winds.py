"""Winds: brass (brightness follows loudness) and flute (an air jet that hisses)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pixelplayer.band.body import Body, Mode, Samples
from pixelplayer.band.score import Note
from pixelplayer.band.tone import harmonics, read_table, swell, vibrato_cycles, wavetable

_BELL = Body(
    direct=0.6,
    modes=(Mode(1250.0, 2.0, 1.1), Mode(2600.0, 3.0, 0.4)),
    low_hz=260.0,
    high_hz=7500.0,
)
_FLUTE_TUBE = Body(
    direct=0.9,
    modes=(Mode(850.0, 1.2, 0.35),),
    low_hz=180.0,
    high_hz=9000.0,
)


def brass(notes: Sequence[Note], length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """A trumpet ``(length,)``.

    Inside the bore a loud wave steepens, so the spectrum widens with the momentary loudness: a
    soft and a steep wave are crossfaded by the note's envelope. The lips' oscillation itself is
    given, not simulated.
    """
    vibrato = (float(rng.uniform(4.6, 5.8)), float(rng.uniform(3.0, 12.0)), 0.35)
    brightness = float(rng.uniform(0.8, 1.25))
    samples = np.zeros(length, dtype=np.float32)
    for note in notes:
        start = round(note.start_s * rate_hz)
        room = min(length - start, round((note.duration_s + 0.06) * rate_hz))
        if room < 16:
            continue
        number = harmonics(note.frequency_hz, rate_hz)
        phases = np.full(number.size, 0.5 * np.pi)
        place_hz = number * note.frequency_hz
        soft = wavetable(np.exp(-place_hz / 420.0), phases)
        steep = wavetable(
            np.exp(-place_hz / ((700.0 + 2600.0 * note.loudness) * brightness)), phases
        )
        envelope = swell(room, rate_hz, 0.055 - 0.03 * note.loudness, 0.06)
        # A tongued attack is a little louder than what follows.
        accent = 1.0 + 0.35 * np.exp(-np.arange(room, dtype=np.float32) / (0.07 * rate_hz))
        pressure = envelope * accent / np.float32(1.35)
        cycles = vibrato_cycles(note.frequency_hz, room, rate_hz, vibrato, 35.0)
        wave = read_table(soft, cycles)
        wave += pressure * pressure * (read_table(steep, cycles) - wave)
        breath = rng.standard_normal(room, dtype=np.float32)
        wave += np.float32(0.012) * breath
        samples[start : start + room] += np.float32(note.loudness**1.2) * pressure * wave
    return _BELL.varied(rng).respond(samples, rate_hz)


def flute(notes: Sequence[Note], length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """A flute ``(length,)``: few harmonics, a pulsing tone, and breath that the tube colours."""
    pulse_hz = float(rng.uniform(4.5, 5.8))
    breathiness = float(rng.uniform(0.10, 0.22))
    octave = float(rng.uniform(0.2, 0.5))
    samples = np.zeros(length, dtype=np.float32)
    for note in notes:
        start = round(note.start_s * rate_hz)
        room = min(length - start, round((note.duration_s + 0.09) * rate_hz))
        if room < 16:
            continue
        number = harmonics(note.frequency_hz, rate_hz)[:7]
        fall = (0.35 + 0.25 * note.loudness) ** (number - 1.0)
        amplitudes = np.where(number == 2.0, octave * (0.4 + note.loudness), fall**1.6)
        table = wavetable(amplitudes, rng.uniform(0.0, 2.0 * np.pi, number.size))
        cycles = vibrato_cycles(note.frequency_hz, room, rate_hz, (pulse_hz, 7.0, 0.15), 20.0)
        time_s = np.arange(room, dtype=np.float32) / np.float32(rate_hz)
        pulse = 1.0 + 0.18 * np.sin(2.0 * np.pi * pulse_hz * time_s) * np.minimum(1.0, time_s / 0.3)
        tone = read_table(table, cycles) * pulse.astype(np.float32)
        chiff = 1.0 + 2.5 * np.exp(-time_s / np.float32(0.03))
        tone += np.float32(breathiness) * chiff * _breath(note.frequency_hz, room, rate_hz, rng)
        tone *= swell(room, rate_hz, 0.06, 0.085)
        samples[start : start + room] += np.float32(note.loudness) * tone
    return _FLUTE_TUBE.varied(rng).respond(samples, rate_hz)


def _breath(frequency_hz: float, length: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Noise ``(length,)`` that has been round the tube: an FIR comb with peaks at the harmonics."""
    period = max(1, round(rate_hz / frequency_hz))
    noise = rng.standard_normal(length + 3 * period + 1, dtype=np.float32)
    noise = 0.5 * (noise[1:] + noise[:-1])
    trips = [noise[trip * period : trip * period + length] for trip in range(4)]
    coloured = trips[0] + 0.8 * trips[1] + 0.6 * trips[2] + 0.4 * trips[3]
    return np.asarray(coloured, dtype=np.float32)
