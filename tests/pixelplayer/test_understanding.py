"""What objects are, by their looks and by what is heard."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from pixelplayer.spec import SpecError
from pixelplayer.stft import stft
from pixelplayer.understanding import Understanding, UnderstandingSettings
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LogFrequencyWarp
from tests.fakes.pixel_model import CLASSES, SPEC, SYNTHESIZER, BandSound, band_noise

RATE_HZ = 8000
ANALYSIS = SPEC.audio.at_rate(RATE_HZ)
WARP = LogFrequencyWarp(SPEC.audio, ANALYSIS)
WORDS = np.eye(len(CLASSES), SPEC.channels, dtype=np.float32)
VOCABULARY = Vocabulary(names=CLASSES, vectors=WORDS)
RED, GREEN, BLUE = range(3)


def understanding(**settings: float) -> Understanding:
    return Understanding(
        VOCABULARY,
        SYNTHESIZER.scale,
        SYNTHESIZER.bias,
        analysis=ANALYSIS,
        warp=WARP,
        settings=UnderstandingSettings(**settings),
    )


def heard(*colours: str, samples: int = 24000) -> tuple[np.ndarray, np.ndarray]:
    """Sound features (K, F, w) and spectrum of bands that sound together."""
    mixture = np.sum([band_noise(name, n, samples) for n, name in enumerate(colours)], axis=0)
    spectrum = stft(mixture.astype(np.float32), ANALYSIS)
    window = np.zeros((1, 1, SPEC.audio.frequency_bins, SPEC.audio.columns), np.float32)
    column = BandSound().infer({"log_magnitude": window})["sound"][0, :, :, :1]
    return np.repeat(column, spectrum.shape[1], axis=2), spectrum


def looks(**strengths: float) -> np.ndarray:
    seen = np.zeros(SPEC.channels, np.float32)
    for name, strength in strengths.items():
        seen[CLASSES.index(name)] = strength
    return seen


def test_evidence_is_what_explains_the_sound() -> None:
    one = understanding()
    one.feed(*heard("red", "blue"))
    assert one.evidence[RED] > 0.15
    assert one.evidence[BLUE] > 0.15
    assert one.evidence[GREEN] < 0.05
    assert one.evidence.sum() <= 1


def test_what_is_seen_in_doubt_is_what_is_heard() -> None:
    one = understanding()
    one.feed(*heard("red", "blue"))
    doubtful = looks(green=0.6, blue=0.5)  # rather green, to look at
    (meant,) = one.vectors(doubtful[np.newaxis])
    assert int(np.argmax(meant)) == BLUE
    assert meant[BLUE] > 0.9


def test_sound_does_not_overrule_what_is_plain_to_see() -> None:
    one = understanding()
    one.feed(*heard("red", "blue"))
    (meant,) = one.vectors(looks(green=0.9)[np.newaxis])
    assert int(np.argmax(meant)) == GREEN


def test_two_objects_are_rather_two_instruments() -> None:
    one = understanding()
    one.feed(*heard("red", "blue"))
    seen = np.stack([looks(red=0.9), looks(red=0.6, blue=0.55)])
    meant = one.vectors(seen)
    assert np.argmax(meant, axis=1).tolist() == [RED, BLUE]


def test_what_makes_most_of_the_sound_is_rather_in_the_picture() -> None:
    one = understanding()
    one.feed(*heard("red", "blue"))
    seen = np.stack([looks(red=0.9), looks(green=0.7, blue=0.25)])
    meant = one.vectors(seen)
    assert np.argmax(meant, axis=1).tolist() == [RED, BLUE]  # where else should the blue be?


def test_an_object_is_called_what_it_is_taken_for() -> None:
    one = understanding()
    seen = np.stack([looks(red=0.9), looks(green=0.6, blue=0.5)])
    assert one.names(seen) == ["", ""]  # nothing was heard yet
    one.feed(*heard("red", "blue"))
    assert one.names(seen) == ["red", "blue"]
    strange = np.zeros((1, SPEC.channels), np.float32)
    strange[0, -1] = 0.9
    assert one.names(strange) == [""]
    assert one.names(seen[:0]) == []


def test_of_two_looks_the_one_counts_that_is_heard() -> None:
    one = understanding()
    near = np.stack([looks(green=0.9), looks(red=0.9), looks(green=0.9), looks()])
    far = np.stack([looks(blue=0.5), looks(green=0.9), looks(), looks()])
    both = np.stack([near, far])
    np.testing.assert_array_equal(one.fitting(both), near)  # nothing was heard yet
    one.feed(*heard("red", "blue", samples=48000))
    fitting = one.fitting(both)
    np.testing.assert_allclose(fitting[0], far[0], atol=0.02)
    np.testing.assert_allclose(fitting[1], near[1], atol=0.02)
    assert fitting[2].max() <= 0.45  # looks like what is not heard
    assert not fitting[3].any()


def test_where_nothing_known_sounds_nothing_is_seen() -> None:
    one = understanding()
    sound, spectrum = heard("red", samples=48000)
    one.feed(np.zeros_like(sound), spectrum)  # no mask lets any of it through
    cells = np.stack([looks(red=0.9), looks(green=0.9)])[np.newaxis]
    assert one.fitting(cells).max() < 0.05


def test_what_explains_little_beside_another_soon_explains_nothing() -> None:
    alike = Vocabulary(
        names=(*CLASSES, "crimson"),
        vectors=np.vstack([WORDS, 0.6 * WORDS[RED] + 0.2 * WORDS[GREEN]]).astype(np.float32),
    )
    one = Understanding(alike, SYNTHESIZER.scale, SYNTHESIZER.bias, analysis=ANALYSIS, warp=WARP)
    one.feed(*heard("red", samples=48000))
    assert one.evidence[RED] > 5 * one.evidence[len(CLASSES)]


def test_titles_are_for_people() -> None:
    words = np.eye(2, dtype=np.float32)
    some = Vocabulary(names=("acoustic_guitar", "band_flute"), vectors=words)
    assert some.titles == ("acoustic guitar", "flute")


def test_what_looks_like_nothing_known_stays_as_it_is() -> None:
    one = understanding()
    one.feed(*heard("red"))
    strange = np.full((1, SPEC.channels), 0.01, np.float32)
    strange[0, -1] = 0.9  # a channel that is no word's
    np.testing.assert_array_equal(one.vectors(strange), strange)
    assert one.vectors(strange[:0]).shape == (0, SPEC.channels)


def test_looks_are_believed_until_something_is_heard() -> None:
    one = understanding()
    seen = looks(green=0.6, blue=0.5)[np.newaxis]
    np.testing.assert_allclose(one.vectors(seen), seen)
    sound, spectrum = heard("red", "blue")
    one.feed(sound, spectrum * 0)  # silence says nothing
    np.testing.assert_allclose(one.vectors(seen), seen)
    one.feed(sound, spectrum)
    assert not np.allclose(one.vectors(seen), seen, atol=0.2)
    one.reset()
    np.testing.assert_allclose(one.vectors(seen), seen)


def test_it_forgets_what_has_stopped() -> None:
    one = understanding(memory_s=0.5)
    one.feed(*heard("red"))
    one.feed(*heard("blue"))
    assert one.evidence[BLUE] > 10 * one.evidence[RED]


def test_random_chunks_say_what_the_whole_says() -> None:
    rng = np.random.default_rng(0)
    sound, spectrum = heard("red", "green", samples=40000)
    whole, parts = understanding(), understanding()
    whole.feed(sound, spectrum)
    position = 0
    while position < spectrum.shape[1]:
        width = int(rng.integers(0, 5))
        parts.feed(
            sound[..., position : position + width], spectrum[:, position : position + width]
        )
        position += width
    parts.flush()
    np.testing.assert_allclose(parts.evidence, whole.evidence, rtol=1e-5)
    seen = np.stack([looks(red=0.5, blue=0.4), looks(green=0.8)])
    np.testing.assert_allclose(parts.vectors(seen), whole.vectors(seen), atol=1e-5)


def write(folder: Path, **described: object) -> Path:
    (folder / "model.json").write_text(json.dumps(described))
    return folder


def test_a_vocabulary_is_read(tmp_path: Path) -> None:
    rows = WORDS.tolist()
    found = Vocabulary.read(write(tmp_path, classes=CLASSES, class_vectors=rows), SPEC.channels)
    assert found is not None
    assert found.names == CLASSES
    np.testing.assert_array_equal(found.vectors, WORDS)
    assert Vocabulary.read(write(tmp_path, name="published"), SPEC.channels) is None


@pytest.mark.parametrize(
    "rows",
    [
        WORDS.tolist()[:2],
        WORDS[:, :2].tolist(),
        [["a"]] * 3,
        [[0.0] * SPEC.channels] * 3,
        [[math.nan] * SPEC.channels] * 3,
        [[10**400] * SPEC.channels] * 3,
        5,
    ],
)
def test_a_wrong_vocabulary_is_told(tmp_path: Path, rows: list) -> None:
    folder = write(tmp_path, classes=CLASSES, class_vectors=rows)
    with pytest.raises(SpecError, match="'class_vectors' must be"):
        Vocabulary.read(folder, SPEC.channels)


@pytest.mark.parametrize("classes", ["abc", 5, ["a", "b", 5], ["a", "b", "\ud800"]])
def test_names_that_are_none_are_told(tmp_path: Path, classes: object) -> None:
    folder = write(tmp_path, classes=classes, class_vectors=WORDS.tolist())
    with pytest.raises(SpecError, match="'classes' must be names"):
        Vocabulary.read(folder, SPEC.channels)
