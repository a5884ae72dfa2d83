"""Solo performances for mixing: real phrases, notes put into a row, or players of one piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.bank import Bank, Recording

POLYPHONIC = frozenset(
    {"accordion", "acoustic_guitar", "banjo", "harp", "piano", "xylophone", "drum"}
)
FADE_S = 0.03
_FFT_STEP = 4096  # lengths that are multiples of it transform quickly, and little is added to them
SHIFT_SEMITONES = 2.5


class SoloMaker:
    """Draws solo performances of a class from one side of the bank's split.

    What is learned from varies in pitch; what is kept out sounds as it was recorded.
    """

    def __init__(self, bank: Bank, *, held_out: bool, phrase_share: float = 0.5) -> None:
        self._bank = bank
        self._phrase_share = phrase_share
        self._shift = _as_recorded if held_out else _shifted
        self._notes: Mapping[str, Sequence[Recording]] = {}
        self._phrases: Mapping[str, Sequence[Recording]] = {}
        notes, phrases = {}, {}
        for instrument in bank.instruments():
            chosen = bank.select(instrument, held_out=held_out)
            notes[instrument] = [recording for recording in chosen if not recording.is_phrase]
            phrases[instrument] = [recording for recording in chosen if recording.is_phrase]
        self._notes, self._phrases = notes, phrases
        pieces: dict[str, list[Recording]] = {}
        for recording in bank.recordings:
            if recording.piece and recording.held_out == held_out:
                pieces.setdefault(recording.piece, []).append(recording)
        self._pieces = list(pieces.values())
        self.instruments = [name for name in notes if notes[name] or phrases[name]]

    def solo(self, instrument: str, samples: int, rng: np.random.Generator) -> np.ndarray:
        """(samples,) float32, peak 1: one instrument alone, dry, as recorded."""
        phrases, notes = self._phrases[instrument], self._notes[instrument]
        use_phrase = phrases and (not notes or rng.random() < self._phrase_share)
        maker = self._phrase if use_phrase else self._row
        solo = maker(instrument, samples, rng)
        peak = float(np.abs(solo).max())
        return solo / peak if peak > 0 else solo

    @property
    def has_pieces(self) -> bool:
        """Whether ``together`` has something to play."""
        return bool(self._pieces)

    def together(self, samples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The players of some piece at one moment of it, by instrument: (samples,) float32 each.

        They share beat and harmony, as no solos that meet by chance do.
        """
        parts = self._pieces[int(rng.integers(len(self._pieces)))]
        latest = max(min(part.stop - part.start for part in parts) - samples, 0)
        start = int(rng.integers(0, latest + 1))
        played = {}
        for part in parts:
            moment = self._bank.read(part)[start : start + samples]
            played[part.instrument] = np.pad(moment, (0, samples - len(moment)))
        return played

    def _phrase(self, instrument: str, samples: int, rng: np.random.Generator) -> np.ndarray:
        out = np.zeros(samples, np.float32)
        position = int(rng.integers(0, samples // 8)) if rng.random() < 0.3 else 0
        while position < samples:
            piece = self._bank.read(_draw(self._phrases[instrument], rng))
            longest = samples - position
            if len(piece) > longest:
                start = int(rng.integers(0, len(piece) - longest))
                piece = piece[start : start + longest]
            piece = self._shift(piece, rng)[:longest]
            out[position : position + len(piece)] += self._fade(piece)
            position += len(piece) + int(rng.exponential(0.2) * self._bank.rate_hz)
        return out

    def _row(self, instrument: str, samples: int, rng: np.random.Generator) -> np.ndarray:
        rate = self._bank.rate_hz
        out = np.zeros(samples, np.float32)
        polyphonic = instrument in POLYPHONIC
        pace_s = rng.uniform(0.12, 1.2)
        position = int(rng.exponential(0.15) * rate)
        while position < samples:
            length_s = pace_s * rng.uniform(0.5, 1.6)
            voices = int(rng.integers(1, 4)) if polyphonic and rng.random() < 0.4 else 1
            for _ in range(voices):
                note = self._bank.read(_draw(self._notes[instrument], rng))
                ringing_s = length_s * (rng.uniform(1.0, 3.0) if polyphonic else 1.0)
                note = self._shift(note[: int(ringing_s * rate * 1.1)], rng)
                note = note[: min(int(ringing_s * rate), samples - position)]
                out[position : position + len(note)] += self._fade(note) * rng.uniform(0.3, 1.0)
            rest_s = rng.exponential(0.3) if rng.random() < 0.2 else 0.0
            position += int((length_s + rest_s) * rate)
        return out

    def _fade(self, samples: np.ndarray) -> np.ndarray:
        length = min(int(FADE_S * self._bank.rate_hz), len(samples) // 2)
        faded = samples.copy()
        if length:
            ramp = np.linspace(0, 1, length, dtype=np.float32)
            faded[:length] *= ramp
            faded[-length:] *= ramp[::-1]
        return faded


def _as_recorded(samples: np.ndarray, _rng: np.random.Generator) -> np.ndarray:
    return samples


def _shifted(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return at_speed(samples, random_speed(rng))


def random_speed(rng: np.random.Generator) -> float:
    """Of a tape; half of the time as it was recorded, 1."""
    if rng.random() < 0.5:
        return 1.0
    return float(2.0 ** (rng.uniform(-SHIFT_SEMITONES, SHIFT_SEMITONES) / 12))


def at_speed(samples: np.ndarray, speed: float) -> np.ndarray:
    """Faster and higher, or slower and lower, as a tape would: ``1 / speed`` times as long."""
    if speed == 1 or len(samples) < 2:
        return samples
    positions = np.arange(0, len(samples) - 1, speed)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def reverberate(samples: np.ndarray, rate_hz: int, rng: np.random.Generator) -> np.ndarray:
    """The same solo in a made-up room: exponentially decaying noise after the direct sound."""
    decay_s = rng.uniform(0.08, 0.8)
    length = int(min(decay_s, 0.6) * rate_hz)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / (decay_s * rate_hz))
    delay = int(rng.uniform(0.002, 0.02) * rate_hz)
    response = np.zeros(length + delay, np.float32)
    response[delay:] = tail / np.sqrt((tail**2).sum()) * rng.uniform(0.1, 0.7)
    response[0] += 1.0
    size = -(-(len(samples) + len(response) - 1) // _FFT_STEP) * _FFT_STEP
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(response, size), size)
    return wet[: len(samples)].astype(np.float32)


def _draw(recordings: Sequence[Recording], rng: np.random.Generator) -> Recording:
    return recordings[int(rng.integers(len(recordings)))]
