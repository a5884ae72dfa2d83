from __future__ import annotations

import dataclasses
import json
import math
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.messages import AudioGap, Message, Stats, Streams
from realtime.wire import HEADER_BYTES, WireError, decode, encode
from tests.fakes.messages import chunk, one_of_each, scene, scene_object


def bytes_of(message: Message) -> list[bytes]:
    return [bytes(part) for part in encode(message)]


@pytest.mark.parametrize("message", one_of_each(), ids=lambda item: type(item).__name__)
def test_round_trip_is_exact(message: Message) -> None:
    back = decode(bytes_of(message))
    assert type(back) is type(message)
    for field in dataclasses.fields(message):
        sent, got = getattr(message, field.name), getattr(back, field.name)
        if isinstance(sent, np.ndarray):
            assert got.dtype == sent.dtype
            np.testing.assert_array_equal(got, sent)
        else:
            assert got == sent
            assert type(got) is type(sent)


def test_strided_arrays_travel() -> None:
    samples = np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2]
    message = next(item for item in one_of_each() if isinstance(item, Streams))
    message = dataclasses.replace(
        message, object_ids=(1,), samples=samples, gains=(1.0, 1.0), pans=(0.0, 0.0)
    )
    np.testing.assert_array_equal(decode(bytes_of(message)).samples, samples)  # type: ignore[attr-defined]


def test_numpy_numbers_travel_as_plain_ones() -> None:
    message = next(item for item in one_of_each() if isinstance(item, Streams))
    message = dataclasses.replace(message, gains=(np.float32(0.1), 1.0, 0.0))  # type: ignore[arg-type]
    back = decode(bytes_of(message))
    assert isinstance(back, Streams)
    assert back.gains[0] == float(np.float32(0.1))


def damaged(message: Message, **changes: Any) -> list[bytes]:
    header, *arrays = bytes_of(message)
    return [json.dumps({**json.loads(header), **changes}).encode(), *arrays]


def with_field(message: Message, name: str, value: Any) -> list[bytes]:
    return damaged(message, fields={**json.loads(bytes_of(message)[0])["fields"], name: value})


STATS = next(item for item in one_of_each() if isinstance(item, Stats))
GAP = next(item for item in one_of_each() if isinstance(item, AudioGap))


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b""],
        [b"{}"],
        [b"[]"],
        [b"\xff\xfe"],
        [b"[" * 100_000],
        [b" " * (HEADER_BYTES + 1)],
        damaged(chunk(), type="Exploit"),
        damaged(chunk(), type=["AudioChunk"]),
        damaged(chunk(), type="Message"),
        damaged(chunk(), fields=[]),
        damaged(chunk(), fields={}),
        damaged(chunk(), shapes={"samples": [5]}),
        damaged(chunk(), shapes={"samples": [-4]}),
        damaged(chunk(), shapes={"samples": [True]}),
        damaged(chunk(), shapes={"samples": 4}),
        damaged(chunk(), shapes={"samples": [1, 1, 1, 4]}),
        damaged(chunk(), shapes={"samples": [2**62, 4]}),
        damaged(chunk(), shapes={}),
        damaged(chunk(), more=1),
        bytes_of(chunk())[:1],
        [*bytes_of(chunk()), b""],
        damaged(scene(), fields={**json.loads(bytes_of(scene())[0])["fields"], "objects": [{}]}),
        damaged(scene(), fields={**json.loads(bytes_of(scene())[0])["fields"], "objects": 3}),
        damaged(scene(), fields={**json.loads(bytes_of(scene())[0])["fields"], "soloed": 3}),
        damaged(scene(), fields={**json.loads(bytes_of(scene())[0])["fields"], "soloed": ["1"]}),
        with_field(chunk(), "capture_ns", 2**63),
        with_field(chunk(), "capture_ns", [[1]]),
        with_field(chunk(), "rate_hz", 1_000_001),
        with_field(chunk(), "stream", "x" * 1025),
        with_field(scene(), "residual_gain", math.inf),
        with_field(scene(), "residual_level_db", -(10**400)),
        with_field(scene(), "soloed", [2**63]),
        with_field(scene(), "objects", [asdict(scene_object())] * 1001),
        with_field(scene(), "objects", [asdict(scene_object()) | {"name": {}}]),
        with_field(scene(), "objects", [asdict(scene_object()) | {"name": "\ud800"}]),
        with_field(scene(), "objects", [asdict(scene_object()) | {"level_db": math.nan}]),
        with_field(STATS, "values", {"late": math.nan}),
        with_field(STATS, "values", {"late": 10**400}),
        with_field(STATS, "values", {"x" * 1025: 1}),
        with_field(GAP, "length_samples", 8000 * 24 * 3600 + 1),
        [bytes_of(chunk())[0], np.full(4, np.nan, np.float32).tobytes()],
        [bytes_of(chunk())[0], np.full(4, -np.inf, np.float32).tobytes()],
    ],
)
def test_what_is_no_message_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(WireError):
        decode(parts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_messages_are_messages_or_refused(data: st.DataObject) -> None:
    message = data.draw(st.sampled_from(one_of_each()))
    header = json.loads(bytes_of(message)[0])
    section = data.draw(st.sampled_from(["fields", "shapes"]))
    if header[section]:
        name = data.draw(st.sampled_from(sorted(header[section])))
        header[section][name] = data.draw(JSON)
    with suppress(WireError):
        decode([json.dumps(header).encode(), *bytes_of(message)[1:]])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=50), max_size=4))
def test_noise_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(WireError):
        decode(parts)
