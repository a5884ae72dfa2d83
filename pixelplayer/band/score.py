"""What is played: notes, and seeded melodies that an instrument could have been given.

Pitches are MIDI numbers (69 is 440 Hz), times are seconds from the start of the phrase.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAJOR = (0, 2, 4, 5, 7, 9, 11)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
MAJOR_PENTATONIC = (0, 2, 4, 7, 9)
MINOR_PENTATONIC = (0, 3, 5, 7, 10)
SCALES = (MAJOR, DORIAN, MAJOR_PENTATONIC, MINOR_PENTATONIC)

# Lengths of the notes that fill one or two beats.
_RHYTHMS = ((1.0,), (0.5, 0.5), (1.5, 0.5), (0.75, 0.25), (0.25, 0.25, 0.5), (2.0,), (0.5, 1.5))


@dataclass(frozen=True, slots=True)
class Note:
    """One note: ``loudness`` is in (0, 1], from very soft to very loud."""

    start_s: float
    duration_s: float
    pitch: float
    loudness: float

    @property
    def frequency_hz(self) -> float:
        """The fundamental frequency, equal temperament."""
        return float(440.0 * 2.0 ** ((self.pitch - 69.0) / 12.0))


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (0 is C) and the semitones above it that belong to the key."""

    tonic: int
    scale: tuple[int, ...]

    def pitches(self, lowest: int, highest: int) -> list[int]:
        """The pitches of the key in ``[lowest, highest]``, ascending."""
        return [p for p in range(lowest, highest + 1) if (p - self.tonic) % 12 in self.scale]


@dataclass(frozen=True, slots=True)
class Manner:
    """How an instrument is usually played.

    ``pace`` multiplies note lengths (above 1 is slower), ``held`` is the sounding fraction of a
    note's length, ``chord_chance`` the probability that a note has one or two more above it.
    """

    lowest: int
    highest: int
    pace: float
    held: float
    chord_chance: float


def random_key(rng: np.random.Generator) -> Key:
    """One of the twelve tonics with one of four scales."""
    return Key(int(rng.integers(12)), SCALES[int(rng.integers(len(SCALES)))])


def melody(
    rng: np.random.Generator, manner: Manner, key: Key, duration_s: float
) -> tuple[Note, ...]:
    """A wandering melody with rests, accents and swells that fills ``duration_s``."""
    pitches = key.pitches(manner.lowest, manner.highest)
    beat_s = 60.0 / rng.uniform(84.0, 132.0) * manner.pace
    place = int(rng.integers(len(pitches) // 4, 3 * len(pitches) // 4 + 1))
    swell_s, swell_phase = rng.uniform(4.0, 9.0), rng.uniform(0.0, 2.0 * np.pi)
    level = rng.uniform(0.45, 0.8)
    end_s = duration_s - min(0.05, 0.2 * duration_s)
    now_s = float(rng.uniform(0.0, min(0.25, 0.1 * duration_s)))
    notes: list[Note] = []
    while now_s < end_s:
        for beats in _RHYTHMS[int(rng.integers(len(_RHYTHMS)))]:
            length_s = beats * beat_s
            if now_s >= end_s:
                break
            if notes and rng.random() < 0.1:
                now_s += length_s
                continue
            loudness = level + 0.2 * np.sin(2.0 * np.pi * now_s / swell_s + swell_phase)
            loudness = float(np.clip(loudness + rng.uniform(-0.12, 0.12), 0.15, 1.0))
            held_s = length_s * manner.held * float(rng.uniform(0.85, 1.0))
            for step in _chord(rng, manner, len(pitches) - 1 - place):
                notes.append(Note(now_s, held_s, pitches[place + step], loudness))
            now_s += length_s
            place = _next_place(rng, place, len(pitches))
    return tuple(notes)


def line(text: str, beat_s: float) -> tuple[Note, ...]:
    """Written music: words ``PITCH+PITCH.../BEATS!TENTHS``, or ``-/BEATS`` for a rest.

    ``C#4/1.5!7`` is the C sharp above middle C for one and a half beats at loudness 0.7.
    """
    notes: list[Note] = []
    now_s = 0.0
    for word in text.split():
        names, _, rest = word.partition("/")
        beats, _, tenths = rest.partition("!")
        length_s = float(beats) * beat_s
        if names != "-":
            notes += [
                Note(now_s, 0.95 * length_s, _pitch(name), float(tenths) / 10.0)
                for name in names.split("+")
            ]
        now_s += length_s
    return tuple(notes)


def _pitch(name: str) -> int:
    step = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[name[0]]
    return step + name.count("#") + 12 * (int(name.lstrip("ABCDEFG#")) + 1)


def onsets(notes: Sequence[Note]) -> list[tuple[float, float]]:
    """Distinct ``(start_s, end_s)`` of the notes in order; a chord counts once."""
    ends: dict[float, float] = {}
    for note in notes:
        end_s = note.start_s + note.duration_s
        ends[note.start_s] = max(end_s, ends.get(note.start_s, end_s))
    return sorted(ends.items())


def _chord(rng: np.random.Generator, manner: Manner, room: int) -> Sequence[int]:
    if rng.random() >= manner.chord_chance:
        return (0,)
    return tuple(step for step in (0, 2, 4)[: int(rng.integers(2, 4))] if step <= room)


def _next_place(rng: np.random.Generator, place: int, count: int) -> int:
    step = int(rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 3, 4]))
    place += step
    if not 0 <= place < count:
        place -= 2 * step
    return int(np.clip(place, 0, count - 1))
