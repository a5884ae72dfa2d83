from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.checks import MessageError
from realtime.messages import AudioChunk, Control, Message, Stats, Streams
from tests.fakes.messages import chunk, frame, one_of_each, scene


@pytest.mark.parametrize("message", one_of_each(), ids=lambda item: type(item).__name__)
def test_messages_are_frozen_and_show_no_data(message: Message) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.stream = "other"  # type: ignore[misc]
    assert repr(message).startswith(type(message).__name__ + "(stream='s'")
    assert "[" not in repr(message)


def test_repr_tells_shapes() -> None:
    assert "pixels=uint8(2, 3, 3)" in repr(frame())
    assert "samples=float32(4,)" in repr(chunk())


def test_arrays_become_read_only_views_of_the_producers_own() -> None:
    samples = np.zeros(4, np.float32)
    message = dataclasses.replace(chunk(), samples=samples)
    assert not message.samples.flags.writeable
    assert samples.flags.writeable
    assert np.shares_memory(message.samples, samples)


@pytest.mark.parametrize(
    ("field", "value", "wish"),
    [
        ("stream", "", "a name"),
        ("sequence", -1, "an int >= 0"),
        ("sequence", True, "an int"),
        ("capture_ns", 1.5, "an int"),
        ("first_sample", np.int64(3), "an int"),
        ("rate_hz", 0, "an int >= 1"),
        ("samples", np.zeros(4), "float32(any)"),
        ("samples", np.zeros((2, 2), np.float32), "float32(any)"),
        ("samples", np.zeros(0, np.float32), "float32(any)"),
        ("samples", [0.0], "float32(any)"),
    ],
)
def test_wrong_fields_are_named(field: str, value: object, wish: str) -> None:
    with pytest.raises(MessageError) as caught:
        dataclasses.replace(chunk(), **{field: value})  # type: ignore[arg-type]
    assert f"AudioChunk.{field}: wanted {wish}" in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"object_ids": (0, 1)},
        {"object_ids": (1, 1)},
        {"object_ids": (1,)},
        {"gains": (1.0, 1.0)},
        {"gains": (1.0, -0.1, 1.0)},
        {"gains": (1.0, float("nan"), 1.0)},
        {"pans": (0.0, 1.5, 0.0)},
        {"pans": [0.0, 0.0, 0.0]},
    ],
)
def test_streams_have_a_row_gain_and_place_each(wrong: dict[str, object]) -> None:
    streams = next(item for item in one_of_each() if isinstance(item, Streams))
    with pytest.raises(MessageError):
        dataclasses.replace(streams, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"clusters": np.zeros((3, 2), np.int16)},
        {"objects": (1,)},
        {"soloed": (-1,)},
        {"residual_level_db": float("nan")},
    ],
)
def test_scene_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        dataclasses.replace(scene(), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "explode"}, {"kind": "click", "x": 1.1}, {"kind": "solo", "object_id": -1},
     {"kind": "gain", "value": -1.0}],
)  # fmt: skip
def test_control_is_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        Control(stream="s", sequence=0, **wrong)  # type: ignore[arg-type]


def test_stats_are_numbers() -> None:
    with pytest.raises(MessageError):
        Stats(stream="s", sequence=0, stage="sight", values={"rate": "fast"})  # type: ignore[dict-item]
    with pytest.raises(MessageError):
        Stats(stream="s", sequence=0, stage="sight", values={"ok": True})


def test_messages_are_told_apart_by_identity() -> None:
    first, second = chunk(), chunk()
    assert first != second
    assert isinstance(first, AudioChunk)
    assert len({first, second}) == 2
