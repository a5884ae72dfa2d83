"""Many columns heard at once, where nobody waits for the first of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.protocol import Network
from engines.registry import open_engine
from pixelplayer.spec import STRETCH_COLUMNS
from realtime.messages import AudioChunk, End, Message, SoundColumns
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model

SPEC = tiny_streaming_spec()
STEPS = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=2)
STRETCHES = replace(STEPS, stretch_columns=STRETCH_COLUMNS)
RATE_HZ = SPEC.audio.rate_hz
SECONDS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stretch") / "model"
    write_tiny_model(made, SPEC)
    return made


def sound() -> np.ndarray:
    rng = np.random.default_rng(5)
    return (0.1 * rng.standard_normal(SECONDS * RATE_HZ)).astype(np.float32)


def chunks(sizes: Sequence[int]) -> Iterator[Message]:
    samples, first, sequence = sound(), 0, 0
    while first < len(samples):
        size = sizes[sequence % len(sizes)]
        part = samples[first : first + size]
        yield AudioChunk(
            stream="s",
            sequence=sequence,
            capture_ns=first * 1_000_000_000 // RATE_HZ,
            first_sample=first,
            rate_hz=RATE_HZ,
            samples=part,
        )
        first, sequence = first + len(part), sequence + 1
    yield End(stream="s", sequence=sequence, topic="audio")


def heard(folder: Path, network: Network, pace: Pace, sizes: Sequence[int]) -> list[SoundColumns]:
    def opened(newest: int) -> object:
        return open_engine(folder, network, "onnxruntime", "fp32", 1, newest=newest)

    hearing = Hearing(opened, SPEC, pace)  # type: ignore[arg-type]
    hearing.open()
    found: list[SoundColumns] = []
    for chunk in chunks(sizes):
        outputs = hearing.step(0, {"audio": [chunk]})
        found += [message for _, message in outputs if isinstance(message, SoundColumns)]
    assert hearing.finished
    hearing.close()
    return found


def test_the_same_is_said_of_the_same_columns(folder: Path) -> None:
    steps = heard(folder, "sound", STEPS, [1000])
    stretches = heard(folder, "stretch", STRETCHES, [1000])
    assert len(steps) > 20
    assert [one.first_column for one in stretches] == [one.first_column for one in steps]
    largest = max(float(np.abs(one.features).max()) for one in steps)
    for step, stretch in zip(steps, stretches, strict=True):
        np.testing.assert_array_equal(stretch.spectrum, step.spectrum)
        np.testing.assert_allclose(stretch.features, step.features, atol=1e-4 * largest)


def test_chunks_make_no_difference_to_the_last_bit(folder: Path) -> None:
    some = heard(folder, "stretch", STRETCHES, [441])
    others = heard(folder, "stretch", STRETCHES, [7, 30_000, 1])
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.spectrum, other.spectrum)


def test_the_network_is_asked_once_for_many_columns(folder: Path) -> None:
    asked = []

    def opened(newest: int) -> object:
        engine = open_engine(folder, "stretch", "onnxruntime", "fp32", 1, newest=newest)
        infer = engine.infer

        def counted(given: object, into: object = None) -> object:
            asked.append(1)
            return infer(given, into)  # type: ignore[arg-type]

        engine.infer = counted  # type: ignore[method-assign, assignment]
        return engine

    hearing = Hearing(opened, SPEC, STRETCHES)  # type: ignore[arg-type]
    hearing.open()
    columns = 0
    for chunk in chunks([1000]):
        for _, message in hearing.step(0, {"audio": [chunk]}):
            if isinstance(message, SoundColumns):
                columns += message.features.shape[2]
    hearing.close()
    assert columns > 2 * STRETCH_COLUMNS
    assert len(asked) <= columns // STRETCH_COLUMNS + 2
