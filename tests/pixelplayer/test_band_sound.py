"""The band's instruments, heard: reproducible, clean, in tune, and unlike one another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pixelplayer.band import INSTRUMENTS, play
from pixelplayer.band.body import Body, Mode, fast_length
from pixelplayer.band.players import generator, perform, perform_loop
from pixelplayer.band.score import Note, line, onsets

RATE_HZ = 16000


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_a_seed_is_a_phrase(instrument: str) -> None:
    phrase = play(instrument, 3, 1.5, RATE_HZ)
    assert phrase.dtype == np.float32
    assert phrase.shape == (24000,)
    np.testing.assert_array_equal(phrase, play(instrument, 3, 1.5, RATE_HZ))
    assert not np.array_equal(phrase, play(instrument, 4, 1.5, RATE_HZ))


@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_a_phrase_is_clean(instrument: str, rate_hz: int) -> None:
    for seed in range(4):
        phrase = play(instrument, seed, 2.0, rate_hz)
        assert np.isfinite(phrase).all()
        assert 0.05 < np.abs(phrase).max() <= 0.5
        assert abs(phrase.mean()) < 1e-4
        assert np.abs(phrase[[0, -1]]).max() < 1e-3


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_even_a_moment_sounds(instrument: str) -> None:
    assert all(np.abs(play(instrument, seed, 0.1, 8000)).max() > 0.05 for seed in range(5))


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_nothing_clicks(instrument: str) -> None:
    """A click is energy near the Nyquist frequency out of proportion to the moment's sound."""
    phrase = play(instrument, 7, 3.0, 44100).astype(np.float64)
    edges = np.abs(np.diff(phrase, n=3))
    local = np.convolve(np.abs(phrase), np.ones(441) / 441, "same")[1:-2]
    assert (edges / (local + 0.02)).max() < 4.0


@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_notes_are_in_tune(instrument: str, rate_hz: int) -> None:
    note = Note(0.05, 1.2, 70.0, 0.7)
    tone = perform(instrument, [note], generator(1, instrument), 1.5, rate_hz)
    size = 8 * tone.size
    level = np.abs(np.fft.rfft(tone * np.hanning(tone.size), size))
    frequency = np.fft.rfftfreq(size, 1.0 / rate_hz)
    level[np.abs(frequency / note.frequency_hz - 1.0) > 0.1] = 0.0
    cents = 1200.0 * np.log2(frequency[np.argmax(level)] / note.frequency_hz)
    assert abs(cents) < 8.0


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_louder_notes_are_louder(instrument: str) -> None:
    notes = [Note(0.1, 0.5, 69.0, 0.25), Note(1.6, 0.5, 69.0, 0.9)]
    tone = perform(instrument, notes, generator(1, instrument), 3.0, RATE_HZ)
    soft, loud = np.square(tone.reshape(2, -1)).sum(axis=1)
    assert loud > 4.0 * soft


def test_brass_brightens_with_loudness() -> None:
    notes = [Note(0.1, 0.5, 62.0, 0.25), Note(1.1, 0.5, 62.0, 0.95)]
    tone = perform("trumpet", notes, generator(1, "trumpet"), 2.0, RATE_HZ)
    soft, loud = (_centroid_hz(half) for half in tone.reshape(2, -1))
    assert loud > 1.25 * soft


def test_plucks_and_strikes_decay_while_bows_and_breath_hold() -> None:
    kept = {}
    for instrument in INSTRUMENTS:
        tone = perform(
            instrument, [Note(0.0, 1.0, 67.0, 0.8)], generator(2, instrument), 1.2, RATE_HZ
        )
        early, late = tone[2400:4000], tone[12800:14400]
        kept[instrument] = float(np.sum(late**2) / np.sum(early**2))
    assert max(kept["guitar"], kept["marimba"]) < 0.1
    assert min(kept["violin"], kept["trumpet"], kept["flute"]) > 0.4


def test_instruments_sound_unlike_one_another() -> None:
    """The nearest mean of a few spectral numbers names the instrument of an unheard phrase."""
    means = []
    for instrument in INSTRUMENTS:
        heard = [_fingerprint(play(instrument, seed, 2.0, RATE_HZ)) for seed in range(10)]
        means.append(np.mean(heard, axis=0))
    right = 0
    for index, instrument in enumerate(INSTRUMENTS):
        for seed in range(100, 106):
            unheard = _fingerprint(play(instrument, seed, 2.0, RATE_HZ))
            distance = [np.abs(unheard - mean).sum() for mean in means]
            right += int(np.argmin(distance) == index)
    assert right >= 0.8 * 6 * len(INSTRUMENTS)


def test_a_loop_has_no_seam() -> None:
    notes = [Note(0.0, 0.4, 60.0, 0.8), Note(0.7, 0.3, 64.0, 0.8)]
    twice = [*notes, *(Note(n.start_s + 1.0, n.duration_s, n.pitch, n.loudness) for n in notes)]
    loop = perform_loop("flute", notes, generator(1, "flute"), 1.0, RATE_HZ)
    assert loop.shape == (RATE_HZ,)
    ringing = perform_loop("marimba", notes, generator(1, "marimba"), 1.0, RATE_HZ)
    played = perform("marimba", twice, generator(1, "marimba"), 2.0, RATE_HZ)
    second = played[RATE_HZ : 2 * RATE_HZ - 200]
    alike = np.dot(ringing[:-200], second) / np.linalg.norm(ringing[:-200]) / np.linalg.norm(second)
    assert alike > 0.98
    assert np.abs(np.diff(np.tile(loop, 2))).max() < 1.05 * np.abs(np.diff(loop)).max() + 1e-3


def test_written_music_is_read() -> None:
    notes = line("A4/1!7 -/.5 C#4+E4/2!10", 0.5)
    assert [(n.start_s, n.pitch, n.loudness) for n in notes] == [
        (0.0, 69, 0.7),
        (0.75, 61, 1.0),
        (0.75, 64, 1.0),
    ]
    assert notes[0].frequency_hz == pytest.approx(440.0)
    assert onsets(notes) == [(0.0, pytest.approx(0.475)), (0.75, pytest.approx(1.7))]


def test_unplayable_wishes_are_named() -> None:
    with pytest.raises(ValueError, match=r"theremin.*guitar"):
        play("theremin", 1, 1.0, RATE_HZ)
    with pytest.raises(ValueError, match="50 ms"):
        play("guitar", 1, 0.01, RATE_HZ)
    with pytest.raises(ValueError, match="4000 Hz"):
        play("guitar", 1, 1.0, 100)


def test_a_long_sound_goes_through_a_body_as_its_parts_do() -> None:
    rate_hz = 44_100
    noise = np.random.default_rng(0).standard_normal(10 * rate_hz)
    samples = np.convolve(noise, np.hanning(16), "same").astype(np.float32)
    body = Body(0.7, (Mode(102.0, 9.0, 1.3), Mode(850.0, 3.0, 0.7)), 55.0, 5200.0)
    whole = body.respond(samples, rate_hz)
    assert whole.shape == samples.shape
    for start in range(0, samples.size - 2 * rate_hz, rate_hz):
        part = body.respond(samples[start : start + 2 * rate_hz], rate_hz)
        heard = slice(rate_hz, 2 * rate_hz - rate_hz // 10)  # what came before has rung out
        found = whole[start:][heard]
        np.testing.assert_allclose(found, part[heard], atol=1e-4 * np.abs(whole).max())


@pytest.mark.parametrize("length", [1, 7, 1000, 44100, 264600])
def test_fast_lengths_are_enough_and_not_much_more(length: int) -> None:
    assert length <= fast_length(length) < 1.25 * length + 16


def _centroid_hz(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(np.sum(power * np.fft.rfftfreq(samples.size, 1.0 / RATE_HZ)) / np.sum(power))


def _fingerprint(samples: np.ndarray) -> np.ndarray:
    """Log spectrum in ten octave-like bands, its peakiness, and how much the level varies."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    edges = np.geomspace(80, power.size - 1, 11).astype(int)
    bands = np.log10([power[a:b].mean() for a, b in itertools.pairwise(edges)])
    blocks = np.log10(
        np.square(samples[: samples.size // 320 * 320].reshape(-1, 320)).mean(1) + 1e-7
    )
    noise = np.log10(np.median(power[2000:8000]) / power[2000:8000].mean())
    level = np.quantile(blocks, [0.25, 0.5, 0.9])
    shape = [level[2] - level[1], level[2] - level[0], noise]
    return np.concatenate([bands - bands.max(), shape])
