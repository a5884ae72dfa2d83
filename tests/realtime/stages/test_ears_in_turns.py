"""Ears that hear in turns: every column is answered by who has just heard the newest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from engines.protocol import Engine
from engines.registry import open_engine
from engines.remembering import Remembering
from pixelplayer.warp import LOG_FLOOR
from realtime.messages import AudioChunk, End, SoundColumns
from realtime.stages.ears import Ear, StreamEar
from realtime.stages.ears_in_turns import ears_in_turns, remembering_ear
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from tests.fakes.pixel_model import band_noise
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

STREAMING = tiny_streaming_spec()
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("streaming") / "model"
    write_tiny_model(folder, STREAMING)
    return folder


@pytest.fixture
def engines(folder: Path) -> Iterator[list[Engine]]:
    with ExitStack() as opened:
        yield [
            opened.enter_context(open_engine(folder, "sound", "onnxruntime", "fp32", 1))
            for _ in range(2)
        ]


def paired(engines: list[Engine]) -> Ear:
    return remembering_ear(
        [Remembering(one, STREAMING.sound.lookaheads) for one in engines], STREAMING
    )


def said_one_by_one(ear: Ear, heard: np.ndarray, lookahead: int) -> np.ndarray:
    """Each column as soon as it is due."""
    found = [ear.features(0, 1)] if lookahead < 0 else []
    for new in range(heard.shape[1]):
        ear.hear(heard[:, new : new + 1])
        due = new - lookahead
        if due >= 0:
            found.append(ear.features(due, due + 1))
    return np.concatenate(found, axis=2)


def test_so_many_ears_that_each_column_is_a_frames_first() -> None:
    assert [ears_in_turns(columns) for columns in (1, 2, 3, 4)] == [2, 1, 2, 1]


def test_one_network_is_one_ear(engines: list[Engine]) -> None:
    assert isinstance(paired(engines[:1]), StreamEar)


@pytest.mark.parametrize(("position", "ahead"), [(-1, -2), (1, 0), (5, 4)])
def test_each_column_is_answered_as_a_frames_first(
    engines: list[Engine], position: int, ahead: int
) -> None:
    """By a whole recording's answers of frames that begin at even columns, and at odd ones."""
    heard = np.random.default_rng(4).uniform(-16, 3, (64, 80)).astype(np.float32)
    silence = np.full((64, 1), np.log(LOG_FLOOR), np.float32)
    late = np.concatenate([silence, heard, silence], axis=1)
    alone = Remembering(engines[0], STREAMING.sound.lookaheads)
    alone.look_ahead(ahead)
    even = alone.whole(heard[None, None])[0]
    odd = alone.whole(late[None, None])[0][..., 1:]
    ear = paired(engines)
    ear.look_ahead(position, 1)
    found = said_one_by_one(ear, heard, position)
    columns = np.arange(2, found.shape[2] - 2)  # nothing is said of the first, where it is a guess
    expected = np.where(columns % 2 == 0, even[..., columns], odd[..., columns])
    np.testing.assert_allclose(found[..., columns], expected, **CLOSE)
    assert not np.allclose(even[..., columns], odd[..., columns], atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_make_no_difference(engines: list[Engine], seed: int) -> None:
    rng = np.random.default_rng(seed)
    heard = rng.uniform(-16, 3, (64, 80)).astype(np.float32)
    one_by_one = paired(engines)
    one_by_one.look_ahead(-1, 1)
    expected = said_one_by_one(one_by_one, heard, -1)
    ear = paired(engines)
    ear.look_ahead(-1, 1)
    given, start, found = 0, 0, []
    while given < heard.shape[1]:
        new = int(rng.integers(1, 9))
        ear.hear(heard[:, given : given + new])
        given = min(given + new, heard.shape[1])
        assert ear.heard == given
        found.append(ear.features(start, given + 1))
        start = given + 1
    # Of the first nothing is said, or, where it does not come alone, what is said of the next.
    np.testing.assert_allclose(np.concatenate(found, axis=2)[..., 2:], expected[..., 2:], **CLOSE)


def test_turned_it_says_what_it_would_have_said(engines: list[Engine]) -> None:
    heard = np.random.default_rng(2).uniform(-16, 3, (64, 90)).astype(np.float32)
    straight = paired(engines)
    straight.look_ahead(5, 1)
    straight.hear(heard)
    expected = straight.features(60, 85)
    ear = paired(engines)
    ear.look_ahead(-1, 1)
    ear.hear(heard[:, :20])
    ear.look_ahead(5, 1)
    ear.hear(heard[:, 20:])
    np.testing.assert_allclose(ear.features(60, 85), expected, **CLOSE)


@pytest.mark.parametrize("columns_per_step", [1, 2])
def test_a_stage_opens_as_many_as_it_takes_and_chunks_make_no_difference(
    folder: Path, columns_per_step: int
) -> None:
    samples = band_noise("red", 3, 60_000)

    def hear(size: int) -> tuple[np.ndarray, int]:
        opened: list[Engine] = []

        def open_sound(newest: int) -> Engine:
            opened.append(open_engine(folder, "sound", "onnxruntime", "fp32", 1, newest=newest))
            return opened[-1]

        pace = Pace(
            columns_per_step=columns_per_step,
            lookahead_columns=-1 if columns_per_step == 1 else 0,
            most_columns_per_step=columns_per_step,
        )
        stage = Hearing(open_sound, STREAMING, pace)
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
        said = [item.features for _, item in found if isinstance(item, SoundColumns)]
        return np.concatenate(said, axis=2), len(opened)

    small, engines_count = hear(441)
    large, _ = hear(7000)
    np.testing.assert_array_equal(small, large)
    assert engines_count == ears_in_turns(columns_per_step)
