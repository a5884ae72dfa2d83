"""Ears on a window, and ears that remember."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engines.registry import open_engine
from engines.remembering import Remembering
from pixelplayer.offline import mean_features
from realtime.messages import AudioChunk, Control, End, SoundColumns
from realtime.stages.ears import PatientEar, StreamEar, WindowEar
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from tests.fakes.pixel_model import SPEC, band_noise
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

STREAMING = tiny_streaming_spec()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, STREAMING)
    return folder


def test_what_has_not_been_heard_sounds_like_the_newest() -> None:
    asked: list[int] = []

    def infer(window: np.ndarray, wanted: int) -> np.ndarray:
        asked.append(wanted)
        return window[..., -wanted:].repeat(SPEC.channels, axis=1)

    ear = WindowEar(infer, SPEC.audio)
    loudness = np.arange(10, dtype=np.float32) * np.ones((64, 1), np.float32)
    ear.hear(loudness)
    np.testing.assert_array_equal(ear.features(8, 12)[0, 0], [8, 9, 9, 9])
    np.testing.assert_array_equal(ear.features(11, 12)[0, 0], [9])
    assert asked == [2, 1]
    with pytest.raises(IndexError, match="the window begins at -22"):
        ear.features(-23, 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_patient_ear_says_what_offline_separation_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, step, columns = SPEC.audio.columns, 2, 90
    mixing = rng.standard_normal((SPEC.channels, width)).astype(np.float32)

    def infer(window: np.ndarray, _wanted: int = 0) -> np.ndarray:
        # What is said depends on the place in the window.
        return window * mixing[None, :, None, :]

    heard = rng.uniform(-16, 3, (64, columns + width)).astype(np.float32)
    expected = mean_features(infer, heard, width)
    ear = PatientEar(infer, SPEC.audio, SPEC.channels, step)
    given, start, found = 0, 0, []
    while start < columns:
        new = int(rng.integers(1, 9))
        ear.hear(heard[:, given : given + new])
        given = min(given + new, heard.shape[1])
        stop = min(given - width + 2, columns)
        if given >= width and stop > start:
            found.append(ear.features(start, stop))
            start = stop
    with pytest.raises(IndexError, match="were heard"):
        ear.features(given - 1, given)
    np.testing.assert_allclose(
        np.concatenate(found, axis=2), expected[..., :columns], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_ear_that_remembers_says_what_the_whole_says(folder: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, late = 60, max(STREAMING.sound.lookaheads)
    heard = rng.uniform(-16, 3, (64, columns + late)).astype(np.float32)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        network = Remembering(engine, STREAMING.sound.lookaheads)
        whole = network.whole(heard[None, None])[0, ..., :columns]
        network.reset()
        ear = StreamEar(network, STREAMING)
        given, found = 0, []
        start = 0
        while start < columns:
            new = int(rng.integers(1, 9))
            ear.hear(heard[:, given : given + new])
            given = min(given + new, heard.shape[1])
            stop = min(given - late - given % 2, columns)
            if stop > start:
                found.append(ear.features(start, stop))
                start = stop
    np.testing.assert_allclose(np.concatenate(found, axis=2), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_what_was_said_stays_as_it_was_given(folder: Path, columns: int) -> None:
    """Also of one column, which lies together where it is kept."""
    heard = np.random.default_rng(1).uniform(-16, 3, (64, 400)).astype(np.float32)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        ear = StreamEar(Remembering(engine, STREAMING.sound.lookaheads), STREAMING)
        ear.hear(heard[:, :20])
        given = ear.features(4, 4 + columns)
        before = given.copy()
        ear.hear(heard[:, 20:])
        later = ear.features(370, 370 + columns)
    np.testing.assert_array_equal(given, before)
    assert not np.shares_memory(given, later)


def test_what_is_guessed_is_there_before_it_is_heard(folder: Path) -> None:
    heard = np.random.default_rng(0).uniform(-16, 3, (64, 40)).astype(np.float32)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        network = Remembering(engine, STREAMING.sound.lookaheads)
        ear = StreamEar(network, STREAMING)
        ear.look_ahead(-1, 1)
        assert network.lookahead == -2
        assert not ear.features(0, 1).any()  # asked before anything was heard
        for start in range(0, 40, 2):
            ear.hear(heard[:, start : start + 2])
        guessed = ear.features(40, 42)
        louder = np.concatenate([heard, np.full((64, 2), 3, np.float32)], axis=1)
        whole = network.whole(louder[None, None])[0]
    np.testing.assert_allclose(guessed, whole[..., 40:42], rtol=1e-4, atol=1e-5)


def test_turned_it_says_what_it_would_have_said(folder: Path) -> None:
    heard = np.random.default_rng(1).uniform(-16, 3, (64, 60)).astype(np.float32)
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        network = Remembering(engine, STREAMING.sound.lookaheads)
        whole = {}
        for ahead in STREAMING.sound.lookaheads:
            network.look_ahead(ahead)
            whole[ahead] = network.whole(heard[None, None])[0]
        network.reset()
        ear = StreamEar(network, STREAMING)
        ear.look_ahead(4, 2)
        ear.hear(heard[:, :20])
        ear.look_ahead(0, 2)
        ear.hear(heard[:, 20:40])
        nearer = ear.features(10, 40)
        ear.look_ahead(4, 2)
        ear.hear(heard[:, 40:])
        further = ear.features(20, 56)
    close = {"rtol": 1e-4, "atol": 1e-5}
    at = 10  # columns after a turn, from which on nothing is left of what was before
    np.testing.assert_allclose(nearer[..., :6], whole[4][..., 10:16], **close)
    np.testing.assert_allclose(nearer[..., 10 + at :], whole[0][..., 20 + at : 40], **close)
    # Of what was skipped the next is said; what was said in haste is said again.
    np.testing.assert_array_equal(nearer[..., 6], nearer[..., 10])
    np.testing.assert_allclose(further[..., at:16], whole[0][..., 20 + at : 36], **close)
    assert not np.allclose(further[..., 16:20], nearer[..., 26:30], atol=1e-4)
    np.testing.assert_allclose(further[..., 16 + at :], whole[4][..., 36 + at : 56], **close)


def test_less_than_it_was_made_for_is_refused(folder: Path) -> None:
    with open_engine(folder, "sound", "onnxruntime", "fp32", 1) as engine:
        network = Remembering(engine, STREAMING.sound.lookaheads)
        with pytest.raises(ValueError, match="is none of"):
            network.look_ahead(2)
        with pytest.raises(ValueError, match="less than"):
            StreamEar(network, STREAMING).look_ahead(-2, 1)


def test_chunks_make_no_difference_to_a_stage_that_remembers(folder: Path) -> None:
    samples = band_noise("red", 3, 60_000)

    def hear(size: int) -> np.ndarray:
        pace = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=2)
        stage = Hearing(
            lambda newest: open_engine(folder, "sound", "onnxruntime", "fp32", 1, newest=newest),
            STREAMING,
            pace,
        )
        stage.open()
        found = []
        for start in range(0, len(samples), size):
            chunk = AudioChunk(
                stream="t",
                sequence=0,
                capture_ns=round(start * 1e9 / 44100),
                first_sample=start,
                rate_hz=44100,
                samples=samples[start : start + size],
            )
            found += stage.step(0, {"audio": [chunk]})
        found += stage.step(0, {"audio": [End(stream="t", sequence=1, topic="audio")]})
        stage.close()
        return np.concatenate(
            [item.features for _, item in found if isinstance(item, SoundColumns)], axis=2
        )

    np.testing.assert_array_equal(hear(441), hear(7000))


@pytest.mark.parametrize("lookahead_ms", [0.0, 93.0])
def test_a_turn_comes_at_its_sample_though_chunks_are_heard_together(
    folder: Path, lookahead_ms: float
) -> None:
    samples = band_noise("red", 3, 120_000)

    turn = Control(stream="t", sequence=0, kind="lookahead", value=lookahead_ms)

    def hear(at_once: int) -> np.ndarray:
        ahead = 0 if lookahead_ms else 4
        stage = Hearing(
            lambda newest: open_engine(folder, "sound", "onnxruntime", "fp32", 1, newest=newest),
            STREAMING,
            Pace(columns_per_step=2, lookahead_columns=ahead, most_columns_per_step=2),
        )
        stage.open()
        chunks = [
            AudioChunk(
                stream="t",
                sequence=0,
                capture_ns=round(start * 1e9 / 44100),
                first_sample=start,
                rate_hz=44100,
                samples=samples[start : start + 441],
            )
            for start in range(0, len(samples), 441)
        ]
        found = list(stage.step(0, {"audio": chunks[:20]}))
        found += stage.step(0, {"control": [turn]})
        for start in range(20, len(chunks), at_once):
            found += stage.step(0, {"audio": chunks[start : start + at_once]})
        assert stage.stats()["lookahead_ms"] == pytest.approx(lookahead_ms, abs=1)
        stage.close()
        return np.concatenate(
            [item.features for _, item in found if isinstance(item, SoundColumns)], axis=2
        )

    np.testing.assert_array_equal(hear(1), hear(90))
